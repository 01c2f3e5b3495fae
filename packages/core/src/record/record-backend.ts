import type {
  AcquireAnswer,
  AcquireRequest,
  Capabilities,
  KeyRequest,
  ListRequest,
  LockBackend,
  LockState,
  RenewAnswer,
  RenewRequest,
  TokenRequest,
} from '../backend.ts'
import { LockBackendError } from '../errors.ts'
import { type Instant, type Runtime, systemRuntime } from '../runtime.ts'
import { Housekeeping } from './housekeeping.ts'
import * as machine from './machine.ts'
import { describe, Overview } from './overview.ts'
import { Crowded, type Look, Records } from './records.ts'
import type { Holder, RecordState } from './state.ts'
import type { RecordStore } from './store.ts'
import { WaitingRoom } from './waiting-room.ts'

const MAX_POLL = 2_000
/** Tokens remembered at most of which a write got no answer: more than are taken back at the same time. */
const MAX_UNSURE = 16_384
const CLOSE_TIMEOUT = 5_000
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
  readonly #overview: Overview<Version>
  readonly #housekeeping: Housekeeping<Version>
  readonly #flights = new Map<string, Flight>()
  /** Tokens of which a write got no answer: it may still arrive. */
  readonly #unsure = new Set<string>()
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
    this.#overview = new Overview(store, this.#records, runtime)
    this.#housekeeping = new Housekeeping(store, this.#records, runtime)
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
        if (flight.cancelled) await this.#housekeeping.tidy(request.key)
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
          return { outcome: 'granted', fencingToken: tokenIn(look, step.holder), ...this.#term(look, step.holder) }
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
            holder: first && describe(look, first),
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
      if (force && !this.#flights.has(token)) await this.#housekeeping.tidy(key)
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
      // In the background, and of no concern to who released.
      if (this.#housekeeping.isDue()) this.#run(() => this.#housekeeping.sweep()).catch(() => undefined)
      return step.held
    })
  }

  inspect(request: KeyRequest): Promise<LockState> {
    return this.#run(() => this.#overview.inspect(request))
  }

  forceRelease(request: KeyRequest): Promise<boolean> {
    return this.#run(() => this.#overview.forceRelease(request))
  }

  list(request: ListRequest): Promise<readonly string[]> {
    return this.#run(() => this.#overview.list(request))
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

  /**
   * When a waiter looks again by itself: in time for its sign of life, when the hold in its way runs out, and every
   * polling interval in case no notice came. Those behind the first leave the moment of expiry to it.
   */
  #retryAfter({ wait, ttl }: AcquireRequest, { state, present }: Look<Version>, position: number): number {
    const jitter = 0.75 + this.runtime.random() / 2
    const { pollInterval, longestPoll } = this.#store
    const [first] = state.holders
    const poll =
      wait?.retryInterval ??
      (longestPoll === undefined || first === undefined
        ? Math.max(pollInterval, Math.min(MAX_POLL, pollInterval * (position + 1)))
        : Math.min(longestPoll, Math.max(pollInterval, present.seenFor(first) / 8)))
    // A hold past its time that still counts (see Presence) ends when a process does: polling finds that.
    const terms = state.holders.map((holder) => present.left(holder)).filter((left) => left > 0)
    const runsOut = Math.min(Number.POSITIVE_INFINITY, ...terms)
    const grain = this.capabilities.ttl.granularity
    return Math.min(poll * jitter, runsOut + grain + 1 + position * machine.CLAIM, present.waiterLife(ttl) / 3)
  }
}

/** As it came out of the write. */
const tokenIn = ({ state }: { readonly state: RecordState }, { token, fence }: Holder): bigint =>
  state.holders.find((holder) => holder.token === token)?.fence ?? fence
