import type { Scene } from './ledger.ts'
import type { Process } from './process.ts'

export type Outcome<T> = { readonly value: T } | { readonly error: unknown }

export const outcomeOf = <T>(work: Promise<T>): Promise<Outcome<T>> =>
  work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )

/** Milliseconds for which others, in whose place this one may wait, may have been asking before. */
const LONGEST = 4_000

/** Timers, one after the other, that may be late in one call. */
const TIMERS = 6

/** Tells how long a call took, by its process's clock, if that ran all the time. */
export class Stopwatch {
  readonly process: Process
  readonly at: number
  /** Milliseconds that the backend has for its answer. */
  readonly patience: number
  readonly #mono: number

  constructor(process: Process, patience: number) {
    this.process = process
    this.patience = patience
    this.at = process.world.now
    this.#mono = process.mono
  }

  /** Milliseconds until now, by its process's clock. */
  get took(): number {
    return this.process.mono - this.#mono
  }

  get steady(): boolean {
    return this.process.resumedAt < this.at && this.process.jumpedAt < this.at
  }

  /** Nothing of the process, its clocks and its connection has been in trouble since, nor when others asked before. */
  get undisturbed(): boolean {
    return this.process.disturbedAt < this.at - LONGEST
  }

  check({ world }: Scene, who: string, what: string, limit: number): void {
    const { process, took } = this
    if (this.steady && took > limit + 2 + TIMERS * (1 + process.temper.late))
      world.fail('in time', `${what} took ${who}@${process.name} ${took} ms instead of ${limit} at most`)
  }
}
