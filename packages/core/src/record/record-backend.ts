import type {
  AcquireAnswer,
  AcquireRequest,
  Capabilities,
  HolderState,
  KeyRequest,
  ListRequest,
  LockBackend,
  LockState,
  RenewAnswer,
  RenewRequest,
  TokenRequest,
} from '../backend.ts'
import { LockBackendError, LockUnsupportedError } from '../errors.ts'
import { type LockKey, lockKey } from '../key.ts'
import { elapsed, type Instant, type Runtime, systemRuntime } from '../runtime.ts'
import * as machine from './machine.ts'
import { Crowded, type Look, Records } from './records.ts'
import { DamagedRecord, encodeState, type Holder, type RecordState } from './state.ts'
import type { RecordStore } from './store.ts'
import { WaitingRoom } from './waiting-room.ts'

const MAX_POLL = 2_000
/** Tokens remembered at most of which a write got no answer: more than are taken back at the same time. */
const MAX_UNSURE = 16_384
const CLOSE_TIMEOUT = 5_000
const SWEEP_EVERY = 60_000
const SWEEP_TIMEOUT = 5_000
/** A process too short-lived for the interval sweeps with this chance at its first release. */
const SWEEP_CHANCE = 1 / 16
const LIST_WIDTH = 16
/** Milliseconds after which, at most, who met too many others comes again. */
const CROWD = 200

/** An acquire under way. */
interface Flight {
  cancelled: boolean
  /** The cancel has been carried out: nothing that is still on its way can have an effect. */
  undone: boolean
}

export interface RecordBackendOptions {
  /** The clock and timers. Default: the system's. */
  readonly runtime?: Runtime | undefined
}

/**
 * Makes a full backend of a record store: modes, expiry, fencing, fair queue, metadata, hand-over. Each step is one
 * compare-and-write of one record; a conflict is read again and repeated.
 */
export function recordBackend<Version>(store: RecordStore<Version>, options: RecordBackendOptions = {}): LockBackend {
  return new RecordBackend(store, options.runtime ?? systemRuntime)
}

class RecordBackend<Version> implements LockBackend {
  readonly name: string
  readonly location: string
  readonly capabilities: Capabilities
  readonly runtime: Runtime
  readonly #store: RecordStore<Version>
  readonly #records: Records<Version>
  readonly #waitingRoom: WaitingRoom<Version>
  readonly #flights = new Map<string, Flight>()
  /** Tokens of which a write got no answer: it may still arrive. */
  readonly #unsure = new Set<string>()
  #swept: Instant | undefined
  #underWay = 0
  #idle: (() => void) | undefined
  #closed: Promise<void> | undefined

  constructor(store: RecordStore<Version>, runtime: Runtime) {
    this.name = store.name
    this.location = store.location
    this.runtime = runtime
    this.capabilities = {
      modes: ['exclusive', 'shared', 'semaphore'],
      queue: store.queue,
      wakeup: store.watch === null ? 'poll' : 'push',
      ttl: { ...store.ttl, granularity: store.clock?.grain ?? 1 },
      list: store.names !== null,
      guarantee: store.guarantee,
    }
    this.#store = store
    this.#records = new Records(store, runtime, (key, look) => this.#waitingRoom.tell(key, look))
    this.#waitingRoom = new WaitingRoom(store, this.#records, runtime)
  }

  acquire(request: AcquireRequest): Promise<AcquireAnswer> {
    return this.#run(async () => {
      const flight: Flight = { cancelled: false, undone: false }
      this.#flights.set(request.token, flight)
      try {
        return await this.#acquire(request, flight)
      } catch (cause) {
        if (!flight.undone) this.#doubt(request.token)
        throw cause
      } finally {
        this.#flights.delete(request.token)
        if (flight.cancelled) await this.#tidy(request.key)
      }
    })
  }

  async #acquire(request: AcquireRequest, flight: Flight): Promise<AcquireAnswer> {
    const { key, token, timeout } = request
    for (;;) {
      let entered = false
      const found = await this.#records
        .update(key, timeout, (before) => {
          if (flight.cancelled) return { outcome: 'cancelled', state: before.state } as const
          const taken = machine.acquire(before.state, request, before.present)
          // Watch before the place in the queue is written: no change after it goes unnoticed.
          if (taken.outcome === 'busy' && request.wait !== null) entered = this.#waitingRoom.enter(request) || entered
          return taken
        })
        .catch((error: unknown) => {
          // Who can wait tries again among fewer.
          if (error instanceof Crowded && request.wait !== null) return undefined
          throw error
        })
      if (found === undefined) return { outcome: 'busy', retryAfter: CROWD * this.runtime.random() }
      const { step, look } = found
      switch (step.outcome) {
        case 'cancelled':
          return { outcome: 'busy', retryAfter: MAX_POLL }
        case 'granted':
          this.#waitingRoom.leave(key, token)
          this.#unsure.delete(token)
          return { outcome: 'granted', fencingToken: step.holder.fence, ...this.#term(look, step.holder) }
        case 'mismatch':
          this.#waitingRoom.leave(key, token)
          return { outcome: 'mismatch', usedAs: step.usedAs }
        case 'busy': {
          // Without a place in the queue nothing was written: the record may have changed before the watch began.
          const unseen = entered && !step.state.queue.some((waiter) => waiter.token === token)
          if (unseen) break
          const [first] = step.state.holders
          return {
            outcome: 'busy',
            retryAfter: this.#retryAfter(request, look, step.position),
            holder: first && this.#describe(look, first),
          }
        }
      }
    }
  }

  /** In a long outage there are many: the oldest go, whose taking back was given up before. */
  #doubt(token: string): void {
    this.#unsure.add(token)
    if (this.#unsure.size <= MAX_UNSURE) return
    for (const oldest of this.#unsure) {
      this.#unsure.delete(oldest)
      return
    }
  }

  cancel(request: TokenRequest): Promise<void> {
    const { key, token, timeout } = request
    return this.#run(async () => {
      const flight = this.#flights.get(token)
      if (flight !== undefined) flight.cancelled = true
      this.#waitingRoom.leave(key, token)
      // A write of this token may be on its way, or have arrived after the record was read: a newer version makes the one
      // fail, and finds the other.
      const force = flight !== undefined || this.#unsure.has(token)
      await this.#records.update(key, timeout, ({ state, present }) => ({
        ...machine.remove(state, token, present),
        force,
      }))
      this.#unsure.delete(token)
      if (flight !== undefined) flight.undone = true
      if (force && !this.#flights.has(token)) await this.#tidy(key)
    })
  }

  renew(request: RenewRequest): Promise<RenewAnswer> {
    // Granted by a notice while it looked, it may have gone on waiting.
    this.#waitingRoom.leave(request.key, request.token)
    return this.#run(async () => {
      const { step, look } = await this.#records.update(request.key, request.timeout, ({ state, present }) =>
        machine.renew(state, request, present),
      )
      if (step.holder === undefined) return { outcome: 'lost' }
      return { outcome: 'renewed', ...this.#term(look, step.holder) }
    })
  }

  release(request: TokenRequest): Promise<boolean> {
    return this.#run(async () => {
      const { key, token, timeout } = request
      this.#waitingRoom.leave(key, token)
      const { step } = await this.#records.update(key, timeout, ({ state, present }) =>
        machine.remove(state, token, present),
      )
      this.#sweepIfDue()
      return step.held
    })
  }

  inspect({ key, timeout }: KeyRequest): Promise<LockState> {
    return this.#run(async () => {
      const look = await this.#records.look(key, timeout)
      const { holders, queue } = machine.advance(look.state, look.present)
      return { holders: holders.map((holder) => this.#describe(look, holder)), waiters: queue.length }
    })
  }

  forceRelease({ key, timeout }: KeyRequest): Promise<boolean> {
    return this.#run(async () => {
      try {
        const { step } = await this.#records.update(key, timeout, ({ state, present }) =>
          machine.breakAll(state, present),
        )
        return step.held
      } catch (error) {
        if (!isDamage(error)) throw error
        return this.#replaceDamaged(key, timeout)
      }
    })
  }

  /** Tokens go on above whatever a wall clock in microseconds has handed out: the record's own are unreadable. */
  async #replaceDamaged(key: LockKey, timeout: number): Promise<boolean> {
    const { version, floor } = await this.#store.read(key, timeout)
    const clock = BigInt(Math.ceil(this.runtime.now().wall)) * 1_000n
    const state: RecordState = { fence: clock > floor ? clock : floor, holders: [], queue: [] }
    const value = encodeState(state)
    const record = { value, fence: state.fence, holders: [], moved: true, keepFor: 0, essence: () => value }
    // A conflict: somebody else has replaced it.
    return (await this.#store.write(key, version, record, timeout)) !== null
  }

  list({ namespace, prefix, timeout }: ListRequest): Promise<readonly string[]> {
    return this.#run(async () => {
      if (this.#store.names === null) throw new LockUnsupportedError(`${this.name} cannot list its locks`)
      const names = [...(await this.#store.names(namespace, prefix, timeout))].sort()
      const used: string[] = []
      for (let start = 0; start < names.length; start += LIST_WIDTH) {
        const some = names.slice(start, start + LIST_WIDTH)
        const inUse = await Promise.all(some.map((name) => this.#isInUse(lockKey(namespace, name), timeout)))
        used.push(...some.filter((_, index) => inUse[index]))
      }
      return used
    })
  }

  /** Held or waited for; a damaged record counts as held. */
  async #isInUse(key: LockKey, timeout: number): Promise<boolean> {
    try {
      const { state, present } = await this.#records.look(key, timeout)
      return !machine.isIdle(machine.advance(state, present))
    } catch (error) {
      if (isDamage(error)) return true
      throw error
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#settle().then(() => {
      this.#waitingRoom.close()
      return this.#store.close()
    })
    return this.#closed
  }

  /** Waits for calls under way, but not for a hung one. */
  #settle(): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = this.runtime.setTimer(CLOSE_TIMEOUT, resolve, true)
      this.#idle = () => {
        timer.cancel()
        resolve()
      }
    })
  }

  async #run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) throw new LockBackendError(`${this.name} ${this.location} has been closed`)
    this.#underWay += 1
    try {
      return await call()
    } finally {
      this.#underWay -= 1
      if (this.#underWay === 0) this.#idle?.()
    }
  }

  /** How long a hold counts, for its holder: its ttl at most, from before the clock was read, or the entry written. */
  #term({ basis, present }: Look<Version>, { term }: Holder): { readonly since: Instant; readonly ttl: number } {
    return { since: basis, ttl: Math.min(present.remaining(term) ?? term.ttl, term.ttl) }
  }

  #describe({ present }: Look<Version>, holder: Holder): HolderState {
    const { owner, mode, fence, start, metadata, term } = holder
    const remaining = present.left(holder)
    const age = present.remaining(term) === undefined ? undefined : Math.max(0, present.now - start)
    return { owner, mode, fencingToken: fence, remaining, age, metadata }
  }

  /**
   * When a waiter looks again by itself: in time for its sign of life, when the hold in its way runs out, and every
   * polling interval in case no notice came. Those behind the first leave the moment of expiry to it.
   */
  #retryAfter({ wait, ttl }: AcquireRequest, { state, present }: Look<Version>, position: number): number {
    const jitter = 0.75 + this.runtime.random() / 2
    const { pollInterval } = this.#store
    const poll = wait?.retryInterval ?? Math.max(pollInterval, Math.min(MAX_POLL, pollInterval * (position + 1)))
    // A hold past its time that still counts (see Presence) ends when a process does: polling finds that.
    const terms = state.holders.map((holder) => present.left(holder)).filter((left) => left > 0)
    const runsOut = Math.min(Number.POSITIVE_INFINITY, ...terms)
    const grain = this.capabilities.ttl.granularity
    return Math.min(poll * jitter, runsOut + grain + 1 + position * machine.CLAIM, present.waiterLife(ttl) / 3)
  }

  #sweepIfDue(): void {
    const last = this.#swept
    if (last === undefined ? this.runtime.random() > SWEEP_CHANCE : elapsed(this.runtime, last) < SWEEP_EVERY) {
      this.#swept ??= this.runtime.now()
      return
    }
    this.#swept = this.runtime.now()
    // Housekeeping that fails is tried again at a later release, and never bothers who released.
    this.#run(() => this.#store.sweep((key) => this.#prune(key))).catch(() => undefined)
  }

  /** Removes what a cancel wrote only to be newer, where free locks leave no record. */
  async #tidy(key: LockKey): Promise<void> {
    // What fails here is left to a sweep.
    if (this.#store.idleRecords === 'remove') await this.#prune(key).catch(() => false)
  }

  /** Removes a record that nobody uses any more. */
  async #prune(key: LockKey): Promise<boolean> {
    const { version, exists, state, present } = await this.#records.look(key, SWEEP_TIMEOUT)
    if (!exists || !machine.isIdle(machine.advance(state, present))) return false
    this.#records.forget(key)
    return this.#store.remove(key, version, state.fence, SWEEP_TIMEOUT)
  }
}

const isDamage = (error: unknown): boolean => error instanceof LockBackendError && error.cause instanceof DamagedRecord
