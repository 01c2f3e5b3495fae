import { closeSync, openSync, readlinkSync, readSync } from 'node:fs'
import type { Presence } from '@locks/core'
import { codeOf } from './disk.ts'
import { type Host, thisHost } from './host.ts'

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

/** Whether it certainly runs: the very process, not another one with its id. */
function runs(pid: number, start: string): boolean {
  const stat = start !== '' && hasProcfs() ? statOf(pid) : undefined
  return stat !== undefined && !stat.over && stat.start === start
}

/** Marks an identity whose writer can't tell that no other kernel has the directory. */
const SHARED = '!'

/** Of a `pid.start` in base 36. */
function hasEnded(process: string): boolean {
  const [pid = '', start = ''] = process.split('.')
  return isGone(Number.parseInt(pid, 36), start)
}

interface Writer {
  /** `Host.processes` of who wrote it. */
  readonly host: string
  readonly shared: boolean
  readonly processes: readonly { readonly pid: number; readonly start: string }[]
}

function parse(text: string): Writer | undefined {
  const [host = '', ...parts] = text.split('.')
  if (parts.length === 0 || parts.length % 2 !== 0) return undefined
  const processes = []
  for (let index = 0; index < parts.length; index += 2) {
    const pid = Number.parseInt(parts[index] ?? '', 36)
    if (!(pid > 0)) return undefined
    processes.push({ pid, start: parts[index + 1] ?? '' })
  }
  const shared = host.endsWith(SHARED)
  return { host: shared ? host.slice(0, -SHARED.length) : host, shared, processes }
}

/**
 * Tells which processes are gone. An identity reads `host.pid.start`, and a further `.pid.start` for each process that the
 * writer stands for: all of them must be gone.
 *
 * Of another boot all are gone, where only one kernel at a time can have the directory's file system mounted
 * (`singleKernel`), as the writer saw it too: what is a local disk to a host reads as another type to the virtual machines
 * and network clients that it exports the directory to. Of another pid namespace nothing is known.
 */
export class ProcessPresence implements Presence {
  readonly #host: Host
  readonly #singleKernel: () => boolean
  readonly #gone = new Set<string>()
  /** This one, and those that it stands for. */
  #processes: readonly string[]

  constructor(host: Host, singleKernel: () => boolean) {
    this.#host = host
    this.#singleKernel = singleKernel
    this.#processes = [describe(process.pid)]
  }

  get self(): string {
    return `${this.#host.processes}${this.#singleKernel() ? '' : SHARED}.${this.#processes.join('.')}`
  }

  standFor(pid: number): boolean {
    const other = describe(pid)
    const [, start = ''] = other.split('.')
    if (isGone(pid, start)) return false
    // Those that have ended need nobody any more.
    const [self = '', ...others] = this.#processes
    const running = others.filter((process) => process !== other && !hasEnded(process))
    this.#processes = [self, ...running, other]
    return true
  }

  gone(process: string): boolean {
    if (this.#gone.has(process)) return true
    const writer = parse(process)
    if (writer === undefined || !this.#isGone(writer)) return false
    // Only this answer stays true for ever.
    if (this.#gone.size >= MAX_GONE) this.#gone.clear()
    this.#gone.add(process)
    return true
  }

  #isGone({ host, shared, processes }: Writer): boolean {
    const { boot } = this.#host
    if (host === this.#host.processes) return processes.every(({ pid, start }) => isGone(pid, start))
    return !shared && !host.startsWith(boot) && host.length >= boot.length && this.#singleKernel()
  }

  outlived(process: string): boolean {
    const writer = parse(process)
    if (writer === undefined || writer.host !== this.#host.processes) return false
    const [first, ...others] = writer.processes
    if (first === undefined || !isGone(first.pid, first.start)) return false
    return others.some(({ pid, start }) => runs(pid, start))
  }
}

/** Null where processes can't be compared. `singleKernel`: whether no other kernel can have the directory mounted. */
export function hostPresence(singleKernel: () => boolean): ProcessPresence | null {
  const host = thisHost()
  return host === null ? null : new ProcessPresence(host, singleKernel)
}
