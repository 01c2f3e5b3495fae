import { closeSync, openSync, readlinkSync, readSync } from 'node:fs'
import type { Presence } from '@locks/core'
import { codeOf } from './disk.ts'
import { hostId } from './host.ts'

const MAX_GONE = 64
const buffer = Buffer.alloc(1_024)

interface ProcessStat {
  /** When it was started, in the kernel's ticks since boot: tells it from a later process with the same id. */
  readonly start: string
  /** A zombie without threads: it runs no more, its parent only hasn't looked. */
  readonly over: boolean
}

/** What Linux says of a process; undefined where it says nothing. See proc_pid_stat(5) for the fields. */
function statOf(pid: number | 'self'): ProcessStat | undefined {
  let file: number | undefined
  try {
    file = openSync(`/proc/${pid}/stat`, 'r')
    const text = buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0))
    // The second field, a name in parentheses, may itself have spaces and parentheses.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const [state = '', threads = '', start = ''] = [fields[0], fields[17], fields[19]]
    if (!/^\d+$/.test(start)) return undefined
    return { start: Number(start).toString(36), over: 'ZXx'.includes(state) && Number(threads) <= 1 }
  } catch {
    return undefined
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

let procfs: boolean | undefined

/** False where there is no /proc, or one that shows the processes of another pid namespace. */
function hasProcfs(): boolean {
  try {
    procfs ??= readlinkSync('/proc/self') === String(process.pid)
  } catch {
    procfs = false
  }
  return procfs
}

/** `pid.start` in base 36; the start is empty where it can't be known. */
function describe(pid: number): string {
  const start = hasProcfs() ? (statOf(pid)?.start ?? '') : ''
  return `${pid.toString(36)}.${start}`
}

function isGone(pid: number, start: string): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return true
  }
  // Under /proc mounted with hidepid a live process may be invisible: no answer is not an end.
  const stat = hasProcfs() ? statOf(pid) : undefined
  if (stat === undefined) return false
  return stat.over || (start !== '' && stat.start !== start)
}

/**
 * Tells which processes are gone, among those of the same boot and the same namespaces: `host.pid.start`, and a further
 * `.pid.start` for each process that the writer stands for. All of them must be gone.
 */
export class ProcessPresence implements Presence {
  readonly #host: string
  readonly #gone = new Set<string>()
  #self: string

  constructor(host: string) {
    this.#host = host
    this.#self = `${host}.${describe(process.pid)}`
  }

  get self(): string {
    return this.#self
  }

  standFor(pid: number): void {
    const other = describe(pid)
    const [, start = ''] = other.split('.')
    if (!isGone(pid, start) && !this.#self.includes(`.${other}`)) this.#self += `.${other}`
  }

  gone(process: string): boolean {
    if (this.#gone.has(process)) return true
    const [host, ...processes] = process.split('.')
    if (host !== this.#host || processes.length === 0 || processes.length % 2 !== 0) return false
    for (let index = 0; index < processes.length; index += 2) {
      const pid = Number.parseInt(processes[index] ?? '', 36)
      if (!(pid > 0) || !isGone(pid, processes[index + 1] ?? '')) return false
    }
    // Only this answer stays true for ever.
    if (this.#gone.size >= MAX_GONE) this.#gone.clear()
    this.#gone.add(process)
    return true
  }
}

/** Null where processes can't be compared. */
export function hostPresence(): ProcessPresence | null {
  const host = hostId()
  return host === null ? null : new ProcessPresence(host)
}
