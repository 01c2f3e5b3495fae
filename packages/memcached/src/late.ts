import { elapsed, type Instant, type Runtime } from '@locks/core'

/** Milliseconds: longer than anything that was given up can be on its way. */
export const GRAVE = 60_000

/** The keys for which an `add` of this process may still come: it has no answer yet, or was given up not long ago. */
export class Late {
  readonly #runtime: Runtime
  readonly #underWay = new Map<string, number>()
  /** In the order of time. */
  readonly #givenUp = new Map<string, Instant>()

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  mayCome(key: string): boolean {
    const since = this.#givenUp.get(key)
    return this.#underWay.has(key) || (since !== undefined && elapsed(this.#runtime, since) <= GRAVE)
  }

  /** Runs what sends one. */
  async follow<T>(key: string, send: () => Promise<T>): Promise<T> {
    this.#underWay.set(key, (this.#underWay.get(key) ?? 0) + 1)
    try {
      return await send()
    } catch (thrown) {
      this.#note(key)
      throw thrown
    } finally {
      const left = (this.#underWay.get(key) ?? 1) - 1
      if (left > 0) this.#underWay.set(key, left)
      else this.#underWay.delete(key)
    }
  }

  /** Those that are over go, so that an outage leaves no more than its last minute. */
  #note(key: string): void {
    this.#givenUp.delete(key)
    this.#givenUp.set(key, this.#runtime.now())
    for (const [oldest, since] of this.#givenUp) {
      if (elapsed(this.#runtime, since) <= GRAVE) break
      this.#givenUp.delete(oldest)
    }
  }
}
