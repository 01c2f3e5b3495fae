import { elapsed, type Instant, type LockKey, type Runtime } from '@locks/core'
import type { Node, Question } from './node.ts'

/** How long a request is repeated that has not got through, beyond the time for which it may matter, in milliseconds. */
const MARGIN = 1_000
const FIRST_PAUSE = 200
const LONGEST_PAUSE = 5_000
/** How long `close` waits at most, in milliseconds. */
const CLOSE_TIMEOUT = 5_000

/** The nodes, how many of them make a majority, and how they are asked. */
export class Quorum {
  readonly nodes: readonly Node[]
  readonly majority: number
  readonly runtime: Runtime
  readonly #nodeTimeout: number
  readonly #background = new Set<Promise<unknown>>()
  /** Each ends a pause between two repeats. */
  readonly #pauses = new Set<() => void>()
  #closed = false

  constructor(nodes: readonly Node[], nodeTimeout: number, runtime: Runtime) {
    this.nodes = nodes
    this.majority = Math.floor(nodes.length / 2) + 1
    this.#nodeTimeout = nodeTimeout
    this.runtime = runtime
  }

  /** From so many refusals on, no majority can grant. */
  get veto(): number {
    return this.nodes.length - this.majority + 1
  }

  /** How long one node is waited for within `timeout`, in milliseconds. */
  patience(timeout: number): number {
    return Math.max(1, Math.min(this.#nodeTimeout, timeout))
  }

  get closed(): boolean {
    return this.#closed
  }

  /**
   * Repeats a request to one node, in the background, until it is answered, at most until it can matter no more, `moot` ms after
   * `since`; or once more when it is closed.
   */
  insist<T>(node: Node, key: LockKey, question: Question<T>, since: Instant, moot: number): void {
    const work = async (): Promise<void> => {
      for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
        const last = this.#closed
        try {
          await node.ask(key, question)
          return
        } catch {
          if (last || elapsed(this.runtime, since) > moot + MARGIN) return
          await this.#pause(pause)
        }
      }
    }
    this.background(work())
  }

  /** What `close` waits for. */
  background(work: Promise<unknown>): void {
    const settled: Promise<void> = work
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => this.#background.delete(settled))
    this.#background.add(settled)
  }

  /** Waits for what is in the background and for calls under way, but not for a hung node. */
  async close(): Promise<void> {
    const started = this.runtime.now()
    const rest = (): number => Math.max(0, CLOSE_TIMEOUT - elapsed(this.runtime, started))
    this.#closed = true
    for (const end of [...this.#pauses]) end()
    while (this.#background.size > 0 && rest() > 0) await this.#within(rest(), Promise.all(this.#background))
    await Promise.all(this.nodes.map((node) => node.close(rest())))
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel()
        this.#pauses.delete(end)
        resolve()
      }
      const timer = this.runtime.setTimer(this.#closed ? 0 : ms, end, false)
      this.#pauses.add(end)
    })
  }

  #within(ms: number, work: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.runtime.setTimer(ms, resolve, true)
      void work.then(() => {
        timer.cancel()
        resolve()
      })
    })
  }
}
