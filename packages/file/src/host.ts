/** What tells whether two processes run on the same boot of a kernel, with the same clock and the same process ids. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import type { StoreClock } from '@locks/core'

export interface Host {
  /** Eight characters, equal exactly for processes of one boot of one kernel. */
  readonly boot: string
  /** Equal exactly for processes whose monotonic clocks can be compared. */
  readonly clock: string
  /** Equal exactly for processes that see the same process ids, with the same times of their starts (which are on a clock). */
  readonly processes: string
}

/** The namespaces that a kernel starts with have these inode numbers on every machine. */
const FIRST = { pid: '4026531836', time: '4026531834' }

/** Empty in the first namespace of its kind, which most processes are in, and before Linux 5.6 for time. */
function namespaceTag(kind: 'pid' | 'time'): string {
  try {
    const inode = /\d+/.exec(readlinkSync(`/proc/self/ns/${kind}`))?.[0] ?? FIRST[kind]
    return inode === FIRST[kind] ? '' : `~${Number(inode).toString(36)}`
  } catch (error) {
    if (kind === 'time') return ''
    throw error
  }
}

const digest = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 8)

function linuxHost(): Host {
  const boot = digest(readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim())
  const clock = boot + namespaceTag('time')
  return { boot, clock, processes: clock + namespaceTag('pid') }
}

/** Which of the system's clocks libuv reads has changed between its versions. */
function macHost(): Host {
  const id = execFileSync('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'latin1', timeout: 2_000 })
  const boot = digest(id.trim())
  return { boot, clock: digest(`${id.trim()} ${process.versions.uv}`), processes: boot }
}

function identify(): Host | null {
  try {
    if (process.platform === 'linux') return linuxHost()
    return process.platform === 'darwin' ? macHost() : null
  } catch {
    return null
  }
}

let host: Host | null | undefined

/** This process's host; null if it can't be told here. */
export function thisHost(): Host | null {
  if (host === undefined) host = identify()
  return host
}

/** The monotonic clock of the host: all its processes and threads read the same, and nobody can step it. */
export function hostClock(): StoreClock | null {
  const id = thisHost()?.clock
  if (id === undefined) return null
  return { id, now: () => Number(process.hrtime.bigint() / 1_000_000n), grain: 1 }
}
