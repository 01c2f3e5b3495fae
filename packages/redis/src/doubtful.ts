import type { Runtime } from '@locks/core'

/** Tokens of which an acquire may still be on its way to the server: each for as long as it would be heeded there. */
export class Doubtful {
  readonly #runtime: Runtime
  /** Until when, by the monotonic clock; about in the order of their ends. */
  readonly #until = new Map<string, number>()

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** For `ms` milliseconds from now. */
  add(token: string, ms: number): void {
    const { mono } = this.#runtime.now()
    for (const [other, until] of this.#until) {
      if (until > mono) break
      this.#until.delete(other)
    }
    this.#until.delete(token)
    this.#until.set(token, mono + ms)
  }

  has(token: string): boolean {
    return this.#until.size > 0 && (this.#until.get(token) ?? 0) > this.#runtime.now().mono
  }

  delete(token: string): void {
    this.#until.delete(token)
  }
}
