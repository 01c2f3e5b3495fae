import type { Runtime } from './runtime.ts'

/** The first pause in milliseconds. */
export const FIRST_PAUSE = 1_000

/** By up to half shorter, so that those who failed together don't come back together. */
export const jittered = (runtime: Runtime, pause: number): number => pause * (1 - runtime.random() / 2)

/** Pauses after failures in a row: each twice as long as the one before, up to a longest. */
export class BackOff {
  readonly #runtime: Runtime
  readonly #longest: number
  #failures = 0

  constructor(runtime: Runtime, longest: number) {
    this.#runtime = runtime
    this.#longest = longest
  }

  /** Milliseconds to wait after one more failure. */
  next(): number {
    const pause = Math.min(this.#longest, FIRST_PAUSE * 2 ** this.#failures)
    this.#failures += 1
    return jittered(this.#runtime, pause)
  }

  reset(): void {
    this.#failures = 0
  }
}
