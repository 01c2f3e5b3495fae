import { elapsed, type Instant, type Runtime } from '@locks/core'
import type { KeepAlives } from './keep-alives.ts'

/** An answer that is so fresh, in milliseconds, needs no other. */
const FRESH = 20

/** A lease of etcd's: what is stored with it goes when it ends. */
export class Lease {
  readonly id: string
  /** Milliseconds that it lasts from each sign of life. */
  readonly ttl: number
  /** How many locks rest on it. */
  users = 0
  /** A request that names it may still arrive, unwanted: nothing new rests on it, and it ends as soon as it can. */
  isDoubtful = false
  readonly #runtime: Runtime
  readonly #keepAlives: KeepAlives
  readonly #lost: (lease: Lease) => void
  #since: Instant
  #isLost = false
  #keeping: Promise<void> | undefined

  constructor(
    id: string,
    ttl: number,
    since: Instant,
    runtime: Runtime,
    keepAlives: KeepAlives,
    lost: (lease: Lease) => void,
  ) {
    this.id = id
    this.ttl = ttl
    this.#since = since
    this.#runtime = runtime
    this.#keepAlives = keepAlives
    this.#lost = lost
  }

  /** The send of the last sign of life that the server has acknowledged. */
  get since(): Instant {
    return this.#since
  }

  get age(): number {
    return elapsed(this.#runtime, this.#since)
  }

  /** Whether the server still has it, as far as one can tell. */
  get isAlive(): boolean {
    return !this.#isLost && this.age < this.ttl
  }

  /** A sign of life. Rejects if it isn't acknowledged; whether the lease lives is then unknown. Resolves if it is lost. */
  keepAlive(timeout: number, { evenIfFresh = false }: { readonly evenIfFresh?: boolean } = {}): Promise<void> {
    if (this.#isLost || (this.age < FRESH && !evenIfFresh)) return Promise.resolve()
    this.#keeping ??= this.#keepAlive(timeout).finally(() => {
      this.#keeping = undefined
    })
    return this.#keeping
  }

  /** It has ended: its keys are gone, or will be. */
  lose(): void {
    if (this.#isLost) return
    this.#isLost = true
    this.#lost(this)
  }

  async #keepAlive(timeout: number): Promise<void> {
    const sent = this.#runtime.now()
    const seconds = await this.#keepAlives.keep(this.id, timeout)
    // Some versions acknowledge what arrives when they are about to end the lease (etcd issue 20547): an answer counts
    // only if the lease can't have been over by then.
    if (seconds <= 0 || this.age >= this.ttl) this.lose()
    else this.#since = sent
  }
}
