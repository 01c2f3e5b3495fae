/** What tells whether two processes run on the same kernel boot, with the same clock and the same process ids. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import type { StoreClock } from '@locks/core'

function linuxIdentity(): string {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  return `${boot} ${readlinkSync('/proc/self/ns/pid')} ${timeNamespace()}`
}

/** Linux before 5.6 has no time namespaces. */
function timeNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/time')
  } catch {
    return 'none'
  }
}

/** Which of the system's clocks libuv reads has changed between its versions. */
function macIdentity(): string {
  const boot = execFileSync('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'latin1', timeout: 2_000 })
  return `${boot.trim()} ${process.versions.uv}`
}

function identify(): string | null {
  try {
    const identity =
      process.platform === 'linux' ? linuxIdentity() : process.platform === 'darwin' ? macIdentity() : undefined
    if (identity === undefined) return null
    return createHash('sha256').update(identity).digest('base64url').slice(0, 8)
  } catch {
    return null
  }
}

let identity: string | null | undefined

/**
 * Equal for two processes exactly if they share boot, time namespace and pid namespace: then their monotonic clocks and
 * their process ids can be compared. Null if that can't be told here.
 */
export function hostId(): string | null {
  identity ??= identify()
  return identity
}

/** The monotonic clock of the host: all its processes and threads read the same, and nobody can step it. */
export function hostClock(): StoreClock | null {
  const id = hostId()
  if (id === null) return null
  return { id, now: () => Number(process.hrtime.bigint() / 1_000_000n), grain: 1 }
}
