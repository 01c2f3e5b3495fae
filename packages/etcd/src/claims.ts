import { type AcquireRequest, elapsed, type Instant, type LockKey, type Runtime, type Timer } from '@locks/core'
import { holdKeys } from './guard.ts'
import type { Lease } from './lease.ts'
import type { Applicant } from './requests.ts'

/** What this process knows of one of its holds, or places in a queue. */
export interface Claim {
  readonly key: LockKey
  readonly applicant: Applicant
  /** The owner's secret. */
  readonly token: string
  readonly ttl: number
  /** Of its key; undefined: there is none yet, as far as is known. */
  createRevision: string | undefined
  /** Of its key, at which it was put on its lease. */
  modRevision: string | undefined
  /** What the key rests on; undefined: nothing, it is permanent; or there is no key yet. */
  lease: Lease | undefined
  /** What it was moved to by requests of which nothing was heard (undefined: to none): it may rest on these instead. */
  readonly perhaps: Set<Lease | undefined>
  isHeld: boolean
  /** What was answered last: how long the hold is kept. */
  term: { readonly since: Instant; readonly ttl: number } | undefined
  /** What the requests for it name: leases that would hold it, and that keep its place. */
  named: { hold: Lease | undefined; wait: Lease | undefined }
  /** A request that names these had no answer: it may still arrive, unwanted. */
  readonly doubtful: Set<Lease>
  /** Calls of acquire under way. */
  pending: Promise<unknown> | undefined
  isGivenUp: boolean
  /** What it is woken by. */
  watched: string
  /** Ends that. */
  unwatch: (() => void) | undefined
  wake: (() => void) | undefined
  /** The monotonic moment after which a waiter that did not call again counts as dead. */
  dueBy: number
}

/** How often those are looked for that nobody cares for any more, in milliseconds. */
const EVERY = 1_000
/** How much later than its end a hold counts as forgotten, in milliseconds. */
const FORGOTTEN = 1_000

/** The claims of this process, by their secrets. */
export class Claims {
  readonly #byToken = new Map<string, Claim>()
  readonly #runtime: Runtime
  readonly #drop: (claim: Claim) => void
  #timer: Timer | undefined
  /** By the monotonic clock. */
  #lookedAt = 0

  /** `drop` is told of waiters that did not call again, of what could not be taken back, and of holds that have run out. */
  constructor(runtime: Runtime, drop: (claim: Claim) => void) {
    this.#runtime = runtime
    this.#drop = drop
  }

  get(token: string): Claim | undefined {
    return this.#byToken.get(token)
  }

  /** The claim of a request, a new one if need be. */
  of({ key, token, ttl }: AcquireRequest, applicant: () => Applicant): Claim {
    const known = this.#byToken.get(token)
    if (known !== undefined) return known
    return this.add({ key, token, ttl, applicant: applicant() })
  }

  add(what: Pick<Claim, 'key' | 'token' | 'ttl' | 'applicant'> & Partial<Claim>): Claim {
    const claim: Claim = {
      createRevision: undefined,
      modRevision: undefined,
      lease: undefined,
      isHeld: false,
      term: undefined,
      named: { hold: undefined, wait: undefined },
      doubtful: new Set(),
      perhaps: new Set(),
      watched: '',
      pending: undefined,
      isGivenUp: false,
      unwatch: undefined,
      wake: undefined,
      dueBy: Number.POSITIVE_INFINITY,
      ...what,
    }
    this.#byToken.set(claim.token, claim)
    if (this.#timer === undefined) this.#lookLater()
    return claim
  }

  forget(claim: Claim): void {
    if (this.#byToken.get(claim.token) === claim) this.#byToken.delete(claim.token)
    if (holdKeys.get(claim.applicant.who.owner) === claim.applicant.own) holdKeys.delete(claim.applicant.who.owner)
    this.rest(claim)
  }

  /** It is being asked for: whoever does that is not dead. */
  asks(claim: Claim): void {
    claim.dueBy = Number.POSITIVE_INFINITY
  }

  /** It waits, and calls again within `within` milliseconds if it lives. */
  waits(claim: Claim, within: number): void {
    claim.dueBy = this.#runtime.now().mono + within
  }

  /** It does not wait any more. */
  rest(claim: Claim): void {
    claim.dueBy = Number.POSITIVE_INFINITY
    claim.unwatch?.()
    claim.unwatch = undefined
    claim.watched = ''
    claim.wake = undefined
  }

  /** Those whose keys rested on a lease that has ended. */
  on(lease: Lease): readonly Claim[] {
    return [...this.#byToken.values()].filter((claim) => claim.lease === lease)
  }

  close(): void {
    this.#timer?.cancel()
    for (const claim of this.#byToken.values()) this.rest(claim)
    this.#byToken.clear()
  }

  #look(): void {
    this.#timer = undefined
    const { mono } = this.#runtime.now()
    // Who could not call, since nothing ran here, is not dead.
    const stood = Math.max(0, mono - this.#lookedAt - EVERY)
    for (const claim of this.#byToken.values()) claim.dueBy += stood
    for (const claim of [...this.#byToken.values()]) if (this.#isForgotten(claim, mono)) this.#drop(claim)
    if (this.#byToken.size > 0) this.#lookLater()
  }

  #lookLater(): void {
    this.#lookedAt = this.#runtime.now().mono
    this.#timer = this.#runtime.setTimer(EVERY, () => this.#look(), false)
  }

  #isForgotten({ dueBy, isHeld, term }: Claim, mono: number): boolean {
    return dueBy < mono || (isHeld && term !== undefined && elapsed(this.#runtime, term.since) > term.ttl + FORGOTTEN)
  }
}
