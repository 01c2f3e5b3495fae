import type { Grant, LeaseMode, RenewAnswer } from './backend.ts'
import type { Demand } from './demand.ts'
import type { Engine, Holding } from './engine.ts'
import { describeLock, formatDuration, LockLostError } from './errors.ts'
import type { LockKey } from './key.ts'
import { between, elapsed, type Instant } from './runtime.ts'
import { IDLE, type Task } from './scheduler.ts'

/** How often a permanent hold is looked at, in milliseconds. */
const CHECK_EVERY = 10_000
/** By which part of its interval a renewal comes early at most: widely at first, for leases that are taken together. */
const FIRST_SPREAD = 0.5
const SPREAD = 0.15
/** A renewal that failed is repeated after a part of the time that is left, within these bounds. */
const MIN_RETRY = 20
const MAX_RETRY = 1_000

/** What sums of instants may be off by, in milliseconds: a task must not find that it was woken a trifle too early. */
const ROUNDING = 0.001

const RAN_OUT = 'its time ran out before a renewal was confirmed'

export interface Renewing {
  /** The hold must live on without this process's session. Default: only where nothing renews it. */
  readonly standalone?: boolean
  readonly keepAlive?: boolean
  /** Which part of the time that is left may pass without an answer. Default: all of it. */
  readonly patience?: number
}

/** Who uses a hold, and hears when it is lost. */
export interface Occupant {
  lost(error: LockLostError): void
}

/** What a hold is made of. */
export interface HoldIdentity {
  readonly key: LockKey
  readonly mode: LeaseMode
  readonly permits: number
  readonly token: string
  readonly owner: string
  /** Fencing tokens reserved, from the grant's first on. */
  readonly tokens: number
}

/**
 * Possession of a lock at the backend: its local deadline, its renewals, its end. One or, by local hand-off, several
 * leases in a row live on it.
 */
export class Hold implements Task, Holding {
  readonly keepAlive: boolean = false
  due: number = 0
  slot: number = IDLE
  readonly key: LockKey
  readonly mode: LeaseMode
  readonly permits: number
  readonly owner: string
  readonly grantedAt: Instant
  readonly #engine: Engine
  readonly #requestTimeout: number
  readonly #autoRenew: boolean
  /** Renewals may not come, or stop early: the whole ttl is needed from the start. */
  readonly #needsWholeTtl: boolean
  readonly #token: string
  #nextFence: bigint
  #fencesLeft: number
  /** Milliseconds that renewals ask for. */
  #ttl: number
  /** From where the deadline counts, and how long it is from there: the backend keeps the hold for longer than that. */
  #since: Instant
  #lasts: number
  /** Milliseconds from `#since` at which the next renewal is due. */
  #renewAt = Number.POSITIVE_INFINITY
  #renewing = false
  /** By how much the backend's clock has been set forward so far, in milliseconds. */
  #sooner = 0
  #renewUntil: { readonly since: Instant; readonly ms: number } | undefined
  #occupant: Occupant | undefined
  #state: 'live' | 'lost' | 'ended' = 'live'

  constructor(engine: Engine, identity: HoldIdentity, demand: Demand, grant: Grant & { readonly since: Instant }) {
    this.#engine = engine
    this.key = identity.key
    this.mode = identity.mode
    this.permits = identity.permits
    this.owner = identity.owner
    this.#token = identity.token
    this.#nextFence = grant.fencingToken
    this.#fencesLeft = identity.tokens
    this.#ttl = demand.ttl
    this.#requestTimeout = demand.requestTimeout
    this.#autoRenew = demand.autoRenew
    this.#needsWholeTtl = !demand.autoRenew || demand.maxHold !== Number.POSITIVE_INFINITY
    this.grantedAt = engine.runtime.now()
    this.#since = grant.since
    this.#lasts = this.#localDeadline(grant.ttl)
    this.#planRenewal(grant.ttl, this.#since, FIRST_SPREAD)
    engine.holds.add(this)
    this.#schedule(this.grantedAt)
  }

  get token(): string {
    return this.#token
  }

  get ttl(): number {
    return this.#ttl
  }

  /** Whether the grant is shorter than what was asked for and nothing would lengthen it in time. */
  get needsRenewal(): boolean {
    return this.#ttl === Number.POSITIVE_INFINITY
      ? this.#lasts !== Number.POSITIVE_INFINITY
      : this.#needsWholeTtl && this.#lasts < this.#localDeadline(this.#ttl) - elapsed(this.#engine.runtime, this.#since)
  }

  get fencesLeft(): number {
    return this.#fencesLeft
  }

  /** Gives the hold to a new occupant with a fencing token of its own. */
  occupy(occupant: Occupant, maxHold: number): bigint {
    this.#occupant = occupant
    this.#renewUntil =
      maxHold === Number.POSITIVE_INFINITY ? undefined : { since: this.#engine.runtime.now(), ms: maxHold }
    const fence = this.#nextFence
    this.#nextFence += 1n
    this.#fencesLeft -= 1
    return fence
  }

  /** Whether it is still ours by the local clocks, `now`; finding that it isn't, it is lost for good. */
  check(now: Instant = this.#engine.runtime.now()): boolean {
    if (this.#state !== 'live') return false
    if (this.remainingAt(now) > 0) return true
    this.#lose(RAN_OUT)
    return false
  }

  /** Milliseconds until the local deadline; 0 or less when it has passed. */
  get remaining(): number {
    return this.remainingAt(this.#engine.runtime.now())
  }

  remainingAt(now: Instant): number {
    return this.#lasts - between(this.#since, now)
  }

  /** Lengthens the hold; `ttl` becomes that of later renewals. Rejects with LockLostError or LockBackendError. */
  async renew(
    ttl: number = this.#ttl,
    { standalone = !this.#autoRenew, keepAlive = true, patience = 1 }: Renewing = {},
  ): Promise<void> {
    const { key, mode } = this
    const token = this.#token
    const budget = Math.max(1, Math.min(this.#requestTimeout, this.remaining * patience))
    let sent = this.#since
    const before = this.#sooner
    const call = (timeout: number, at: Instant): Promise<RenewAnswer> => {
      sent = at
      return this.#engine.backend.renew({ key, mode, token, ttl, standalone, rotateTo: undefined, timeout })
    }
    const answer = await this.#engine.ask(key, 'renewing', budget, call, { keepAlive })
    if (this.#state === 'ended') return
    if (answer.outcome === 'lost')
      throw this.#lose('the backend no longer has it: it expired there, or somebody broke it')
    if (!this.check()) throw this.#lostError(RAN_OUT)
    this.#ttl = ttl
    // It may have been carried out before the clock was set forward.
    this.#adopt(answer.since ?? sent, answer.ttl - (this.#sooner - before))
  }

  /** Gives it up at the backend, `at` this moment. False: it had been lost. */
  async release(at: Instant = this.#engine.runtime.now()): Promise<boolean> {
    this.end()
    const { key, mode } = this
    const token = this.#token
    let calls = 0
    const call = (timeout: number): Promise<boolean> => {
      calls += 1
      return this.#engine.backend.release({ key, token, mode, timeout })
    }
    try {
      const held = await this.#engine.ask(key, 'releasing', this.#requestTimeout, call, { at })
      // A repeated release finds nothing to do where the first one's reply got lost.
      return held || calls > 1
    } catch (error) {
      void this.#engine.undo({ key, token, mode, timeout: this.#requestTimeout }, this.#requestTimeout)
      throw error
    }
  }

  /** Takes a lost hold off the backend in the background, where something of it may be left. */
  discard(): void {
    this.end()
    void this.#engine.undo(
      { key: this.key, token: this.#token, mode: this.mode, timeout: this.#requestTimeout },
      this.#requestTimeout,
    )
  }

  broken(): void {
    this.#lose('it was broken with forceRelease')
  }

  /** Sees at once what is left of it. */
  doubt(sooner: number): void {
    if (this.#state !== 'live') return
    this.#lasts -= sooner
    this.#sooner += sooner
    const age = elapsed(this.#engine.runtime, this.#since)
    if (this.#renewAt !== Number.POSITIVE_INFINITY) this.#renewAt = Math.min(this.#renewAt, age)
    this.#schedule()
  }

  /** The backend is being closed. */
  async evict(): Promise<void> {
    this.#lose('the backend was closed while it was held')
    const { key, mode } = this
    const timeout = this.#requestTimeout
    await this.#engine.backend.release({ key, mode, token: this.#token, timeout }).catch(() => false)
  }

  /** No more renewals, deadline or notices. The backend isn't told. */
  end(): void {
    if (this.#state === 'live') this.#state = 'ended'
    this.#occupant = undefined
    this.#engine.holds.delete(this)
    this.#engine.scheduler.drop(this)
  }

  /** Called by the scheduler when the deadline is near or a renewal due. */
  run(): void {
    if (this.#state !== 'live') return
    const age = elapsed(this.#engine.runtime, this.#since) + ROUNDING
    if (age >= this.#noticeAt()) {
      this.#lose(RAN_OUT)
      return
    }
    if (age >= this.#renewAt && !this.#renewing) void this.#renewInBackground()
    this.#schedule()
  }

  jumped(): void {
    this.run()
  }

  async #renewInBackground(): Promise<void> {
    const until = this.#renewUntil
    if (until !== undefined && elapsed(this.#engine.runtime, until.since) >= until.ms) {
      this.#renewAt = Number.POSITIVE_INFINITY
      return
    }
    this.#renewing = true
    try {
      await this.renew(this.#ttl, { keepAlive: false, patience: 0.5 })
    } catch {
      // Lost is lost by now; after any other failure the old deadline stands, and there may be time to try again.
      const age = elapsed(this.#engine.runtime, this.#since)
      this.#renewAt = age + Math.min(MAX_RETRY, Math.max(MIN_RETRY, (this.#lasts - age) / 4))
    } finally {
      this.#renewing = false
      if (this.#state === 'live') this.#schedule()
    }
  }

  /** Takes over a confirmed term, unless the old one ends later: the backend never shortens. */
  #adopt(since: Instant, ttl: number): void {
    const lasts = this.#localDeadline(ttl)
    if (lasts - elapsed(this.#engine.runtime, since) >= this.remaining) {
      this.#since = since
      this.#lasts = lasts
    }
    this.#planRenewal(ttl, since)
    this.#schedule()
  }

  /** What a ttl is worth here: less 1 % for clocks that run at different rates, 2 ms, and the grain of the backend's clock. */
  #localDeadline(ttl: number): number {
    if (ttl === Number.POSITIVE_INFINITY) return ttl
    return ttl - (ttl / 100 + 2 + this.#engine.backend.capabilities.ttl.granularity)
  }

  /** Loss is signalled a little before the deadline, to leave the signal's listeners time before anybody else can hold. */
  #noticeAt(): number {
    if (this.#lasts === Number.POSITIVE_INFINITY) return this.#lasts
    return this.#lasts - Math.min(Math.max(5, this.#lasts / 100), this.#lasts / 10)
  }

  /**
   * At a third of the time, or half of what a coarse clock leaves of it; by a part of that earlier, so that leases taken
   * together don't renew together.
   */
  #planRenewal(ttl: number, since: Instant, spread: number = SPREAD): void {
    const permanent = ttl === Number.POSITIVE_INFINITY
    if (!this.#autoRenew && !permanent) return
    const interval = permanent ? CHECK_EVERY : Math.min(ttl / 3, this.#localDeadline(ttl) / 2)
    this.#renewAt = since.mono - this.#since.mono + interval * (1 - spread * this.#engine.runtime.random())
  }

  #schedule(now: Instant = this.#engine.runtime.now()): void {
    const next = Math.min(this.#noticeAt(), this.#renewing ? Number.POSITIVE_INFINITY : this.#renewAt)
    const { scheduler } = this.#engine
    if (next === Number.POSITIVE_INFINITY) scheduler.drop(this)
    // By what has passed on either clock: after the machine slept, the monotonic one alone would put it off.
    else scheduler.schedule(this, now.mono + next - between(this.#since, now))
  }

  #lose(reason: string): LockLostError {
    const error = this.#lostError(reason)
    if (this.#state !== 'live') return error
    const occupant = this.#occupant
    this.#state = 'lost'
    this.end()
    occupant?.lost(error)
    return error
  }

  #lostError(reason: string): LockLostError {
    return new LockLostError(
      `${describeLock(this.key, this.#engine.backend)}: the lease was lost (owner ${this.owner}, held for ${formatDuration(elapsed(this.#engine.runtime, this.grantedAt))}): ${reason}. Somebody else may hold the lock now; guard writes with the fencing token`,
      { key: this.key },
    )
  }
}
