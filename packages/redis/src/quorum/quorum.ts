import { elapsed, type Instant, type LockKey, type Runtime } from '@locks/core'
import type { Node, Question } from './node.ts'

/** How long a request is repeated that has not got through, beyond the time for which it may matter, in milliseconds. */
const MARGIN = 1_000
const FIRST_PAUSE = 200
const LONGEST_PAUSE = 5_000

/** The nodes, how many of them make a majority, and how they are asked. */
export class Quorum {
  readonly nodes: readonly Node[]
  readonly majority: number
  readonly runtime: Runtime
  readonly #nodeTimeout: number
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

  /** Repeats a request to one node until it is answered, at most until it can matter no more, `moot` ms after `since`. */
  async insist<T>(node: Node, key: LockKey, question: Question<T>, since: Instant, moot: number): Promise<void> {
    for (let pause = FIRST_PAUSE; !this.#closed; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      try {
        await node.ask(key, question)
        return
      } catch {
        if (elapsed(this.runtime, since) > moot + MARGIN) return
        await new Promise<void>((resolve) => void this.runtime.setTimer(pause, resolve, false))
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.nodes.map((node) => node.close()))
  }
}
