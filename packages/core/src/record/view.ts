import type { Instant, Runtime } from '../runtime.ts'
import type { Present } from './machine.ts'
import type { Observer } from './observer.ts'
import type { Holder, Term, Waiter } from './state.ts'
import type { Presence, RecordStore, StoreClock } from './store.ts'

/** The shortest time for which a silent waiter stays in the queue. */
const WAITER_LIFE = 9_000

/** The present as this process sees it: by the store's clock, its processes, and what was observed. */
export class View implements Present {
  readonly now: number
  readonly self: string
  readonly #clock: StoreClock | null
  readonly #presence: Presence | null
  readonly #seldom: boolean
  readonly #runtime: Runtime
  readonly #observer: Observer
  readonly #keyId: string
  readonly #basis: Instant

  /**
   * `basis`: a moment before the clock showed `now` and the record was read. What was renewed after it may not be in the
   * record.
   */
  constructor(
    { clock, presence, signsOfLife }: Pick<RecordStore<unknown>, 'clock' | 'presence' | 'signsOfLife'>,
    runtime: Runtime,
    observer: Observer,
    keyId: string,
    now: number,
    basis: Instant,
  ) {
    this.now = now
    this.self = presence?.self ?? ''
    this.#clock = clock
    this.#presence = presence
    this.#seldom = signsOfLife === 'seldom'
    this.#runtime = runtime
    this.#observer = observer
    this.#keyId = keyId
    this.#basis = basis
  }

  over(entry: Holder | Waiter): boolean {
    const { process } = entry
    const presence = process === this.self || process === '' ? null : this.#presence
    if (presence?.gone(process) === true) return true
    return this.#hasRunOut(entry) && presence?.outlived(process) !== true
  }

  #hasRunOut(entry: Holder | Waiter): boolean {
    const { at, clock } = entry.term
    if (at === Number.POSITIVE_INFINITY) return false
    if (this.#clock === null || clock !== this.#clock.id)
      return this.#observer.remaining(this.#keyId, entry, this.#basis) <= 0
    return at <= this.now - this.#clock.grain
  }

  arm(wanted: number, previous?: Term): Term {
    const ttl = Math.ceil(wanted)
    const clock = this.#clock
    if (ttl === Number.POSITIVE_INFINITY) return { clock: clock?.id ?? '', at: ttl, ttl }
    if (clock === null) return { clock: '', at: Math.max(Math.floor(this.now), (previous?.at ?? 0) + 1), ttl }
    // A slow reading of the record, or a stop, since the clock was read must not use up what is granted now.
    const passed = this.#runtime.now().mono - this.#basis.mono
    return { clock: clock.id, at: Math.ceil(this.now + passed + ttl), ttl }
  }

  remaining(term: Term): number | undefined {
    return this.#clock === null || term.clock !== this.#clock.id ? undefined : term.at - this.now
  }

  /** Milliseconds for which an entry without a common clock has been seen as it is. */
  seenFor(entry: Holder | Waiter): number {
    return this.#observer.seenFor(this.#keyId, entry, this.#basis)
  }

  waiterLife(ttl: number): number {
    return this.#seldom ? Math.max(WAITER_LIFE, 2 * ttl) : WAITER_LIFE
  }

  left(entry: Holder | Waiter): number {
    if (entry.term.at === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY
    return Math.max(0, this.remaining(entry.term) ?? this.#observer.remaining(this.#keyId, entry, this.#basis))
  }
}
