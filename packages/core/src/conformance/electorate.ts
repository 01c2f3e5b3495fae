import assert from 'node:assert/strict'
import { type Election, type ElectOptions, elect, type Lease, type LockBackend } from '../index.ts'
import type { Stage } from './stage.ts'
import { eventually } from './time.ts'
import type { Witness } from './witness.ts'

/** One time that a candidate leads. */
export interface Term {
  readonly who: string
  readonly lease: Lease
  readonly signal: AbortSignal
  readonly end: () => void
  readonly fail: (error: unknown) => void
}

/** Options over the kit's own. `stubborn`: terms go on though their signal is aborted. */
type Changes = Partial<ElectOptions> & { readonly stubborn?: boolean }

/** The candidates of a case, who lead until told to end, or until their signal is aborted. */
export class Electorate {
  readonly terms: Term[] = []
  readonly errors: unknown[] = []
  /** Those whose work goes on, though they may have been told to end it. */
  readonly #leading = new Set<Term>()
  #overlap: string | undefined
  readonly #stage: Stage
  readonly #witness: Witness
  #candidates = 0

  constructor(stage: Stage) {
    this.#stage = stage
    this.#witness = stage.witness()
  }

  /** A candidate, with a client of its own unless one is given. */
  async candidate(changes: Changes = {}, client?: LockBackend): Promise<Election> {
    const { stubborn = false, ...own } = changes
    this.#candidates += 1
    const who = `candidate ${this.#candidates}`
    const { timeout: _, ...options } = this.#stage.options(client ?? (await this.#stage.client()))
    return elect(this.#stage.name, {
      ...options,
      metadata: who,
      onError: (error) => this.errors.push(error),
      onElected: (lease, signal) => this.#lead(who, lease, signal, stubborn),
      ...own,
    })
  }

  async #lead(who: string, lease: Lease, signal: AbortSignal, stubborn: boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const term: Term = { who, lease, signal, end: resolve, fail: reject }
    this.terms.push(term)
    const untold = [...this.#leading].find((other) => !other.signal.aborted)
    if (untold !== undefined) this.#overlap ??= `${untold.who} leads, and is not told that ${who} does, too`
    this.#leading.add(term)
    if (!stubborn) signal.addEventListener('abort', () => resolve(), { once: true })
    await this.#witness.watch(who, lease, () => promise).finally(() => this.#leading.delete(term))
  }

  /** The term of this number, from 1, within `limit` milliseconds; none so far may have begun beside another. */
  async term(number: number, limit: number = this.#stage.patience): Promise<Term> {
    const term = await eventually(`term ${number} begins`, limit, () => this.terms[number - 1])
    if (this.#overlap !== undefined) assert.fail(this.#overlap)
    return term
  }
}
