import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Answer, Question } from './answer.ts'

export interface ScriptOptions {
  /** Default: none. */
  readonly args?: readonly string[]
  /** In addition to what this process has. */
  readonly env?: Readonly<Record<string, string>>
}

/**
 * A Node.js process that does as it is told: a script that hands its methods to `answer`. It ends with this process at the
 * latest, however that ends; `await using` ends it with the block.
 */
export class ScriptProcess implements AsyncDisposable {
  readonly pid: number
  /** Resolves when it has ended. */
  readonly ended: Promise<void>
  /** What it told by itself so far. */
  readonly told: readonly unknown[]
  readonly #child: ChildProcess
  readonly #calls = new Map<number, PromiseWithResolvers<unknown>>()
  #called = 0

  constructor(script: URL, { args = [], env = {} }: ScriptOptions = {}) {
    const command = ['--pdeathsig', 'KILL', '--', process.execPath, fileURLToPath(script), ...args]
    const child = spawn('setpriv', command, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } })
    if (child.pid === undefined) throw new Error('setpriv could not be run: install it (Debian: util-linux)')
    this.#child = child
    this.pid = child.pid
    this.ended = new Promise((resolve) => child.once('close', () => resolve()))
    void this.ended.then(() => {
      for (const call of this.#calls.values()) call.reject(new Error('the process has ended'))
    })
    const told: unknown[] = []
    this.told = told
    createInterface(child.stdout).on('line', (line) => this.#hear(JSON.parse(line), told))
    // Writing to a process that has ended is no error of ours.
    child.stdin.on('error', () => undefined)
  }

  /** Runs one of its methods. Arguments and result are passed as JSON. Rejects as the method does, or when the process ends. */
  call(method: string, ...args: readonly unknown[]): Promise<unknown> {
    const question: Question = { id: this.#called, method, args }
    this.#called += 1
    const call = Promise.withResolvers<unknown>()
    this.#calls.set(question.id, call)
    this.#child.stdin?.write(`${JSON.stringify(question)}\n`)
    if (this.#child.exitCode !== null || this.#child.signalCode !== null)
      call.reject(new Error('the process has ended'))
    return call.promise
  }

  /** Stops it (SIGSTOP). */
  pause(): void {
    this.#child.kill('SIGSTOP')
  }

  resume(): void {
    this.#child.kill('SIGCONT')
  }

  /** Ends it as a crash would (SIGKILL). Resolves when it is gone. Idempotent. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }

  #hear(heard: Answer, told: unknown[]): void {
    if ('told' in heard) {
      told.push(heard.told)
      return
    }
    const call = this.#calls.get(heard.id)
    this.#calls.delete(heard.id)
    if ('error' in heard) call?.reject(Object.assign(new Error(heard.error.message), { code: heard.error.code }))
    else call?.resolve(heard.result)
  }
}

/** Who has ended but was not reaped yet (by a container's first process, say) is not alive. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
