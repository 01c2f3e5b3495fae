import { type ChildProcess, fork } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { LeaseJSON } from '../../index.ts'
import { type History, type Holding, hostNow, type Trouble } from '../history.ts'
import { within } from '../time.ts'
import {
  type Command,
  type Commands,
  type Contention,
  NOTES,
  type Note,
  READY,
  type Reply,
  type Usage,
} from './protocol.ts'

/** Next to this file, built or not. */
const WORKER = fileURLToPath(import.meta.url).replace(/process(\.[jt]s)$/, 'worker$1')
/** Milliseconds for a start on a busy machine. */
const START_LIMIT = 30_000
/** What a process last said on stderr, at most. */
const TAIL = 2_000

export interface Ending {
  readonly code: number | null
  readonly signal: string | null
}

/** A module that is given as a URL or a path. */
const urlOf = (module: string | URL): string =>
  module instanceof URL || /^[a-z]{2,}:/i.test(module) ? String(module) : pathToFileURL(module).href

const OWN = /^--(?:inspect|test|eval|print|input-type|watch)|^-[ep]/

/** This process's flags without those about itself: those about how modules are loaded. A word without a dash is a value. */
export function loaderFlags(flags: readonly string[]): string[] {
  let own = false
  return flags.filter((flag) => {
    if (flag.startsWith('-')) own = OWN.test(flag)
    return !own
  })
}

/** Processes that run. None of them must outlive this one: not even one that is stopped, and so notices nothing. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Another process that uses the target. What it holds goes into the history. */
export class ConformanceProcess {
  readonly who: string
  readonly ended: Promise<Ending>
  readonly #child: ChildProcess
  readonly #history: History
  readonly #leases = new Map<number, Holding>()
  readonly #pending = new Map<number, (reply: Reply) => void>()
  #requests = 0
  #stopped: Trouble | undefined
  #killedAt: number | undefined
  #dismissed = false
  #complaints = ''

  private constructor(module: string | URL, who: string, history: History) {
    this.who = who
    this.#history = history
    this.#child = fork(WORKER, [urlOf(module), who], {
      // fork wants to know which of them is its channel.
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: loaderFlags(process.execArgv),
      // A test runner's mark for processes of its own.
      env: { ...process.env, NODE_TEST_CONTEXT: undefined },
    })
    running.add(this.#child)
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#complaints = (this.#complaints + chunk.toString()).slice(-TAIL)
    })
    const notes = createInterface({ input: this.#child.stdio[NOTES] as Readable })
    notes.on('line', (line) => this.#note(JSON.parse(line) as Note))
    const allNoted = new Promise<void>((resolve) => notes.once('close', resolve))
    this.#child.on('message', (reply: Reply) => {
      this.#pending.get(reply.id)?.(reply)
      this.#pending.delete(reply.id)
    })
    this.ended = new Promise<Ending>((resolve) => {
      this.#child.once('exit', (code, signal) => resolve({ code, signal }))
      this.#child.once('error', () => resolve({ code: null, signal: null }))
    }).then(async (ending) => {
      running.delete(this.#child)
      await allNoted
      this.#settle()
      return ending
    })
  }

  /** A process that has imported the module. Rejects if it can't. */
  static async start(module: string | URL, who: string, history: History): Promise<ConformanceProcess> {
    const started = new ConformanceProcess(module, who, history)
    const ready = new Promise<Reply>((resolve) => started.#pending.set(READY, resolve))
    const early = started.ended.then((): Reply => ({ id: READY, error: { code: undefined, message: 'it ended' } }))
    const { error } = await within(START_LIMIT, 'it connects', Promise.race([ready, early])).catch(
      (cause: Error): Reply => ({ id: READY, error: { code: undefined, message: cause.message } }),
    )
    if (error === undefined) return started
    await started.dismiss()
    throw new Error(
      `a process could not use the module ${urlOf(module)}: ${error.message}\n${started.#complaints}`.trim(),
    )
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  contend(contention: Contention): Promise<null> {
    return this.#ask('contend', contention)
  }
  rest(): Promise<null> {
    return this.#ask('rest')
  }
  /** The fencing token. */
  async acquire(usage: Usage): Promise<bigint> {
    return BigInt(await this.#ask('acquire', usage))
  }
  release(): Promise<boolean> {
    return this.#ask('release')
  }
  held(): Promise<boolean> {
    return this.#ask('held')
  }
  locked(usage: Usage): Promise<boolean> {
    return this.#ask('locked', usage)
  }
  detach(): Promise<LeaseJSON> {
    return this.#ask('detach')
  }
  async attach(json: LeaseJSON): Promise<bigint> {
    return BigInt(await this.#ask('attach', json))
  }
  close(): Promise<null> {
    return this.#ask('close')
  }
  leave(): Promise<readonly string[]> {
    return this.#ask('leave')
  }

  /** Throws if it has ended although nobody ended it. */
  assertRunning(): void {
    const { exitCode, signalCode } = this.#child
    if (this.#killedAt !== undefined || (exitCode === null && signalCode === null)) return
    throw new Error(`${this.who} has ended (${signalCode ?? exitCode}) ${this.#complaints}`.trim())
  }

  /** SIGSTOP: from now on it stands still. */
  stop(): void {
    this.#stopped = this.#history.trouble('stopped', this.who)
    this.#child.kill('SIGSTOP')
  }

  /** SIGCONT. */
  go(): void {
    if (this.#stopped !== undefined) this.#stopped.until = hostNow()
    this.#stopped = undefined
    this.#child.kill('SIGCONT')
  }

  /** SIGKILL. Resolves when it is gone, and all that it noted is in the history. */
  async kill(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#killedAt = hostNow()
      this.#child.kill('SIGKILL')
    }
    if (this.#stopped !== undefined) this.#stopped.until = Math.min(this.#stopped.until, hostNow())
    await this.ended
  }

  /** Ends it because its case is over: no news for the history. */
  async dismiss(): Promise<void> {
    this.#dismissed = true
    await this.kill()
  }

  async #ask<Do extends keyof Commands>(
    name: Do,
    ...args: Parameters<Commands[Do]>
  ): Promise<ReturnType<Commands[Do]>> {
    this.#requests += 1
    const id = this.#requests
    const replied = new Promise<Reply>((resolve) => this.#pending.set(id, resolve))
    // Refused where the process has ended; then so is the reply.
    this.#child.send({ id, command: [name, ...args] as unknown as Command }, () => undefined)
    const { result, error } = await Promise.race([replied, this.#gone(id)])
    if (error !== undefined) throw Object.assign(new Error(`${this.who}: ${error.message}`), { code: error.code })
    return result as ReturnType<Commands[Do]>
  }

  async #gone(id: number): Promise<Reply> {
    const { code, signal } = await this.ended
    return { id, error: { code: 'ENDED', message: `it has ended (${signal ?? code}) ${this.#complaints}`.trim() } }
  }

  #note(note: Note): void {
    if (note.note === 'granted') {
      const { lease, who, mode, fencingToken, at, until } = note
      const holding = { who, mode, fencingToken: BigInt(fencingToken), from: at }
      this.#leases.set(lease, this.#history.hold(holding, until))
      return
    }
    const holding = this.#leases.get(note.lease)
    if (holding === undefined) return
    if (note.note === 'held') holding.until = note.until
    else Object.assign(holding, { until: Math.min(holding.until, note.at), end: note.note })
  }

  /** A process that is gone holds nothing. */
  #settle(): void {
    const at = this.#killedAt ?? hostNow()
    const end = this.#killedAt === undefined ? 'lost' : 'killed'
    for (const holding of this.#leases.values())
      if (holding.end === undefined)
        Object.assign(holding, { until: Math.min(holding.until, at), end: this.#dismissed ? undefined : end })
    if (this.#killedAt !== undefined && !this.#dismissed) this.#history.trouble('killed', this.who, at)
  }
}
