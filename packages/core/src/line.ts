import type { HolderState } from './backend.ts'
import { Campaign } from './campaign.ts'
import type { Demand } from './demand.ts'
import type { Engine, Waiting } from './engine.ts'
import { describeLock, LockBackendError, type LockError } from './errors.ts'
import type { Hold } from './hold.ts'
import type { LockKey } from './key.ts'
import { HeldLease, type Return } from './lease.ts'
import { between, elapsed, type Instant } from './runtime.ts'
import type { Task } from './scheduler.ts'
import type { TimedOut } from './timed-out.ts'
import { Waiter, Waiters } from './waiters.ts'

/** How long a hold goes from hand to hand within this process before others get their turn, in milliseconds. */
const HAND_ON_FOR = 10
/** A waiter whom a local hold doesn't reach within this many milliseconds takes a place in the backend's queue. */
const LOCAL_WAIT = 10
/** A hold is handed on only with this many milliseconds, or half its ttl, left. */
const HAND_ON_MIN = 1_000
/** Shared and semaphore waiters that campaign at the same time; the others of this process wait behind them. */
const WIDTH = 16
/** A newcomer has the backend looked at if its last answer is older than this, in milliseconds. */
const STALE = 1_000

/** Lines kept though they are empty, per backend. */
const KEPT_LINES = 64

/** By the class of their demands. */
const lines = new WeakMap<Engine, Map<string, Line>>()

/**
 * Those tasks of this process that wait for one lock in one way, in arrival order. However many they are, they take one
 * place in the backend's queue (or a few, where several can hold), and pass a hold on among themselves for a short while
 * before others get their turn: a cohort lock (Dice, Marathe, Shavit 2012). Joining, leaving and being served take the
 * same time at any length.
 */
export class Line implements Waiting {
  readonly key: LockKey
  readonly #engine: Engine
  readonly #demand: Demand
  readonly #width: number
  readonly #handsOn: boolean
  readonly #campaigns = new Set<Campaign>()
  readonly #waiters = new Waiters()
  /** Leases of this line that are out, and the hold of the newest. */
  #holding = 0
  #served: { readonly hold: Hold; readonly fencingToken: bigint; readonly at: Instant } | undefined
  #localWait: Task | undefined
  #answered: Instant | undefined
  #holder: HolderState | undefined

  private constructor(engine: Engine, demand: Demand) {
    this.#engine = engine
    this.#demand = demand
    this.key = demand.key
    const strict = demand.fair === 'strict'
    const places =
      demand.mode === 'exclusive' ? 1 : demand.mode === 'semaphore' ? Math.min(demand.permits, WIDTH) : WIDTH
    this.#width = strict ? Number.POSITIVE_INFINITY : places
    // A hold kept among readers could starve a writer, and tokens of a semaphore's holds would not rise in the order of
    // their grants. A lease that isn't renewed must start with its whole ttl.
    const renewed = demand.autoRenew && demand.maxHold === Number.POSITIVE_INFINITY
    this.#handsOn = !strict && demand.mode === 'exclusive' && renewed
  }

  static for(engine: Engine, demand: Demand): Line {
    const ofEngine = lines.get(engine) ?? new Map<string, Line>()
    lines.set(engine, ofEngine)
    const line = ofEngine.get(demand.class) ?? new Line(engine, demand)
    ofEngine.set(demand.class, line)
    engine.waiting.add(line)
    return line
  }

  /** Waiters that have no place in the backend's queue of their own. */
  get unseen(): number {
    return Math.max(0, this.#waiters.length - this.#campaigns.size)
  }

  /** Waits for a turn. Rejects with the signal's reason, or what the campaign failed of. */
  join(demand: Demand): Promise<HeldLease | TimedOut> {
    return new Promise((resolve, reject) => {
      const { signal, timeout } = demand
      if (signal?.aborted === true) {
        this.#disappear()
        reject(signal.reason)
        return
      }
      const { runtime, scheduler } = this.#engine
      const now = runtime.now()
      const waiter = new Waiter(demand, now, resolve, reject)
      if (timeout !== Number.POSITIVE_INFINITY)
        waiter.alarm = scheduler.after(now.mono, timeout, () => this.#timeUp(waiter), true)
      if (signal !== undefined) {
        waiter.abort = () => {
          this.#drop(waiter)
          reject(signal.reason)
        }
        signal.addEventListener('abort', waiter.abort, { once: true })
      }
      this.#waiters.add(waiter)
      this.#campaign(now)
    })
  }

  #timeUp(waiter: Waiter): void {
    const trouble = this.#trouble(waiter)
    this.#drop(waiter)
    if (trouble !== undefined) waiter.fail(trouble)
    else
      waiter.give({ holder: this.#holder ?? this.#ownHolder(), waited: elapsed(this.#engine.runtime, waiter.joined) })
  }

  /** Rejects all waiters. */
  close(error: (key: LockKey) => LockError): void {
    this.#fail(error(this.key))
  }

  /** As many campaigns as waiters can be served at once; none yet while a local hold may soon come round. */
  #campaign(now: Instant): void {
    if (this.#handsOn && this.#full && this.#campaigns.size === 0) {
      const { runtime, scheduler } = this.#engine
      this.#localWait ??= scheduler.after(now.mono, LOCAL_WAIT, () => this.#startCampaigns(runtime.now()), true)
      return
    }
    this.#startCampaigns(now)
  }

  #startCampaigns(now: Instant): void {
    this.#endLocalWait()
    const stale = this.#answered === undefined || between(this.#answered, now) > STALE
    if (stale) for (const campaign of this.#campaigns) if (campaign.silence === undefined) campaign.lookAgain()
    while (this.#campaigns.size < Math.min(this.#width, this.#waiters.length)) {
      const campaign: Campaign = new Campaign(this.#engine, this.#demand, this.#handsOn, {
        granted: (hold) => {
          this.#campaigns.delete(campaign)
          this.#heard(undefined, hold.grantedAt)
          this.#grant(hold)
        },
        busy: (holder) => this.#heard(holder, this.#engine.runtime.now()),
        failed: (error) => {
          this.#campaigns.delete(campaign)
          this.#fail(error)
        },
      })
      this.#campaigns.add(campaign)
      void campaign.run(now)
    }
  }

  #heard(holder: HolderState | undefined, at: Instant): void {
    this.#answered = at
    this.#holder = holder
  }

  #grant(hold: Hold): void {
    const waiter = this.#waiters.first
    if (waiter === undefined) {
      // Whoever it was for has left in the very moment.
      this.#engine.background(hold.release().catch(() => false))
      this.#disappear()
      return
    }
    this.#serve(waiter, hold, hold.grantedAt)
    if (this.#waiters.length > 0) this.#campaign(this.#engine.runtime.now())
  }

  #serve(waiter: Waiter, hold: Hold, at: Instant): void {
    this.#remove(waiter)
    this.#holding += 1
    const lease = new HeldLease(this.#engine, hold, waiter.demand.maxHold, this.#return, this.#ended)
    this.#served = { hold, fencingToken: lease.fencingToken, at }
    waiter.give(lease)
  }

  /** The task of this very process that is in the way, for messages. */
  #ownHolder(): HolderState | undefined {
    if (this.#served === undefined || this.#holding === 0) return undefined
    const { hold, fencingToken, at } = this.#served
    const age = elapsed(this.#engine.runtime, at)
    const { mode, metadata } = this.#demand
    return { owner: hold.owner, mode, fencingToken, remaining: hold.remaining, age, metadata }
  }

  /** Whether leases of this very line are what keeps its waiters out. */
  get #full(): boolean {
    const { mode, permits } = this.#demand
    return mode === 'exclusive' ? this.#holding > 0 : mode === 'semaphore' && this.#holding >= permits
  }

  /** A lease ended without coming back: it was lost or detached. */
  readonly #ended = (): void => {
    this.#holding -= 1
    if (this.#holding === 0 && this.#waiters.length > 0) this.#startCampaigns(this.#engine.runtime.now())
    this.#disappear()
  }

  /** A lease was released: on to the next waiter here, or back to the backend. */
  readonly #return: Return = (hold, at) => {
    this.#holding -= 1
    const next = this.#waiters.first
    if (next !== undefined && this.#mayHandOn(hold, at)) {
      this.#serve(next, hold, at)
      this.#shrink()
      return Promise.resolve(true)
    }
    const released = hold.release(at)
    if (this.#waiters.length > 0) this.#startCampaigns(at)
    this.#disappear()
    return released
  }

  #mayHandOn(hold: Hold, now: Instant): boolean {
    if (!this.#handsOn || hold.fencesLeft === 0 || hold.ttl !== this.#demand.ttl) return false
    if (between(hold.grantedAt, now) > HAND_ON_FOR) return false
    return hold.remainingAt(now) > Math.min(HAND_ON_MIN, hold.ttl / 2)
  }

  /** Why a waiter whose time is up can't be told that the lock is busy: the backend didn't say so. */
  #trouble(waiter: Waiter): LockBackendError | undefined {
    if (this.#full) return undefined
    const [campaign] = this.#campaigns
    const silence = campaign?.silence
    if (silence === undefined) return undefined
    const heard = this.#answered !== undefined && this.#answered.mono >= waiter.joined.mono
    if (heard && silence < waiter.demand.requestTimeout / 2) return undefined
    return new LockBackendError(
      `${describeLock(this.key, this.#engine.backend)}: acquiring got no answer for ${Math.round(silence)} ms, until the timeout of ${waiter.demand.timeout} ms. Whether the lock is free is unknown; see whether the backend is up`,
      { key: this.key },
    )
  }

  #drop(waiter: Waiter): void {
    this.#remove(waiter)
    this.#shrink()
    this.#disappear()
  }

  #remove(waiter: Waiter): void {
    if (waiter.alarm !== undefined) this.#engine.scheduler.drop(waiter.alarm)
    this.#waiters.remove(waiter)
  }

  #endLocalWait(): void {
    if (this.#localWait !== undefined) this.#engine.scheduler.drop(this.#localWait)
    this.#localWait = undefined
  }

  /** Stops campaigns that no waiter needs any more, the newest first. */
  #shrink(): void {
    if (this.#waiters.length === 0) this.#endLocalWait()
    const surplus = this.#campaigns.size - this.#waiters.length
    if (surplus <= 0) return
    for (const campaign of [...this.#campaigns].slice(-surplus)) {
      this.#campaigns.delete(campaign)
      void campaign.stop()
    }
  }

  #fail(error: unknown): void {
    for (let waiter = this.#waiters.first; waiter !== undefined; waiter = this.#waiters.first) {
      this.#remove(waiter)
      waiter.fail(error)
    }
    this.#shrink()
    this.#disappear()
  }

  /** An empty line is forgotten, unless there are few: the next one of its class is likely to come soon. */
  #disappear(): void {
    if (this.#waiters.length > 0 || this.#holding > 0 || this.#campaigns.size > 0) return
    if (this.#engine.waiting.size <= KEPT_LINES) return
    this.#engine.waiting.delete(this)
    const ofEngine = lines.get(this.#engine)
    if (ofEngine?.get(this.#demand.class) === this) ofEngine.delete(this.#demand.class)
  }
}
