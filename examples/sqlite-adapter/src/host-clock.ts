import { readFileSync, readlinkSync } from 'node:fs'
import type { StoreClock } from '@locks/core'

/** Milliseconds on a clock that all processes of this host share and nobody can step. Null where none is known. */
export function hostClock(): StoreClock | null {
  try {
    // It begins anew with each boot, and a container may have one of its own.
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 8)
    const [space] = /\d+/.exec(readlinkSync('/proc/self/ns/time')) ?? []
    return { id: `${boot}.${space}`, now: () => Number(process.hrtime.bigint() / 1_000_000n), grain: 1 }
  } catch {
    return null
  }
}
