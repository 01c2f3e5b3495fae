import { attempt } from './attempt.ts'
import type { LockState } from './backend.ts'
import { configuration, resolveBackend } from './config.ts'
import { type Demand, demandFor, type Use } from './demand.ts'
import { Engine } from './engine.ts'
import { describeLock, LockBackendError, LockLostError, LockNotHeldError } from './errors.ts'
import { Hold } from './hold.ts'
import { checkName, type LockKey, lockKey } from './key.ts'
import { HeldLease, type Lease, type Return } from './lease.ts'
import { type LeaseJSON, parseLease } from './lease-json.ts'
import { Line } from './line.ts'
import {
  type AcquireOptions,
  checkAcquireOptions,
  checkLockOptions,
  checkTtl,
  type LockOptions,
  type Settings,
  settle,
} from './options.ts'
import type { Instant } from './runtime.ts'
import { type TimedOut, timeoutError } from './timed-out.ts'

/** Leases remembered before those that ended are sorted out. */
const MANY_LEASES = 16
/** Attachments without an answer that are remembered, for another try. */
const MANY_ATTACHMENTS = 1_000

const EXCLUSIVE: Use = { mode: 'exclusive', permits: 1 }

interface Context {
  readonly engine: Engine
  readonly key: LockKey
  readonly settings: Settings
}

interface Wanted {
  /** Of the configuration that it was made from. */
  readonly generation: number
  readonly engine: Engine
  readonly demand: Demand
}

/** What identifies a lock in this process, and orders it for `acquireAll`: namespace, name, backend. */
export let placeOf: (lock: Lock) => readonly [namespace: string, name: string, backend: string]
/** The timeout that a lock's options and the configuration give. */
export let timeoutOf: (lock: Lock) => number

/**
 * A lock between processes, or wherever its backend reaches: one (namespace, name) is one lock, however many Lock objects
 * there are. An object has no state of its own but the leases taken through it, and may be shared by many tasks.
 *
 * Methods reject, they never throw synchronously. Bad arguments: TypeError or RangeError.
 */
export class Lock {
  static {
    placeOf = (lock) => {
      const { engine, key } = lock.#context()
      return [key.namespace, key.name, `${engine.backend.name} ${engine.backend.location}`]
    }
    timeoutOf = (lock) => lock.#context().settings.timeout
  }

  readonly name: string
  readonly #options: LockOptions
  #wanted: Wanted | undefined
  #leases: HeldLease[] = []
  #sortOutAt = MANY_LEASES

  /**
   * @param name Any non-empty well-formed string of at most 1,024 UTF-8 bytes.
   * @param options Defaults for each acquire, and the backend, which is resolved only then.
   * @throws TypeError or RangeError for a bad name or option.
   */
  constructor(name: string, options: LockOptions = {}) {
    this.name = checkName(name)
    checkLockOptions(options)
    this.#options = { ...options }
  }

  /** How this object uses its name. */
  protected get use(): Use {
    return EXCLUSIVE
  }

  /**
   * Waits for the lock and takes it.
   *
   * Rejects with LockTimeoutError when others held it until the timeout (default 10 s), LockBackendError when the backend
   * failed or didn't answer, `signal.reason` when aborted. None of these leaves anything held or queued.
   */
  async acquire(options: AcquireOptions = {}): Promise<Lease> {
    checkAcquireOptions(options, 'acquire')
    const { engine, demand } = this.#demand(options)
    const taken = await take(engine, demand)
    if (taken instanceof HeldLease) return this.#remember(taken)
    throw timeoutError(engine, demand, taken)
  }

  /**
   * Takes the lock if it is free; null if it is held or waited for. One attempt, unless this call gives a `timeout`: then
   * it waits as long. A failing backend rejects with LockBackendError: null always means "busy".
   */
  async tryAcquire(options: AcquireOptions = {}): Promise<Lease | null> {
    checkAcquireOptions(options, 'tryAcquire')
    const { engine, demand } = this.#demand({ ...options, timeout: options.timeout ?? 0 })
    const taken = await take(engine, demand)
    return taken instanceof HeldLease ? this.#remember(taken) : null
  }

  /**
   * Acquires, runs `body`, and always releases; resolves with what the body returned.
   *
   * The body's own error wins over everything after it. A lease lost meanwhile rejects with LockLostError once the body
   * has settled (its result is the error's `value`); a release that fails with LockBackendError (the same). Pass
   * `lease.signal` on to what should stop at a loss.
   */
  async using<T>(body: (lease: Lease) => T | PromiseLike<T>, options: AcquireOptions = {}): Promise<T> {
    if (typeof body !== 'function') throw new TypeError(`body is ${String(body)}: it must be a function`)
    checkAcquireOptions(options, 'using')
    const lease = (await this.acquire(options)) as HeldLease
    let value: T
    try {
      value = await body(lease)
    } catch (error) {
      await lease.release().catch(() => false)
      throw error
    }
    const released = await lease.release().catch((cause: unknown) => {
      const message = cause instanceof Error ? cause.message : String(cause)
      throw new LockBackendError(message, { key: this.#context().key, cause, value })
    })
    if (released || lease.detached) return value
    const { key, engine } = this.#context()
    const message =
      lease.loss?.message ??
      `${describeLock(key, engine.backend)}: the backend no longer had the lease when it was released`
    throw new LockLostError(message, { key, cause: lease.loss, value })
  }

  /**
   * Renews the newest lease taken through this object that has not been released, as `lease.renew` does. Rejects with
   * LockNotHeldError if there is none.
   */
  async renew(ttl?: number): Promise<void> {
    if (ttl !== undefined) checkTtl(ttl)
    await this.#newest().renew(ttl)
  }

  /** Releases the newest unreleased lease taken through this object. Rejects with LockNotHeldError if there is none. */
  async release(): Promise<boolean> {
    return this.#newest().release()
  }

  /** Whether anyone holds it, in any mode. Rejects with LockBackendError when the backend can't tell. */
  async locked(): Promise<boolean> {
    return (await this.inspect()).holders.length > 0
  }

  /** Who holds and how many wait, now. Never shows a secret. */
  async inspect(): Promise<LockState> {
    const { engine, key, settings } = this.#context()
    const state = await engine.ask(key, 'inspecting', settings.requestTimeout, (timeout) =>
      engine.backend.inspect({ key, timeout }),
    )
    let unseen = 0
    for (const waiting of engine.waiting) if (waiting.key.id === key.id) unseen += waiting.unseen
    return unseen === 0 ? state : { ...state, waiters: state.waiters + unseen }
  }

  /**
   * The operator's break: ends all holds at once, whoever owns them, and lets the next waiter in. True if there was one.
   * Holders of this process learn of it at once, others at their next renewal; until then only the fencing token keeps them
   * apart.
   */
  async forceRelease(): Promise<boolean> {
    const { engine, key, settings } = this.#context()
    // Never repeated: the second call might break the hold of whom the first one let in.
    const call = (timeout: number): Promise<boolean> => engine.backend.forceRelease({ key, timeout })
    const broken = await engine.ask(key, 'breaking', settings.requestTimeout, call, { repeats: 0 })
    for (const hold of [...engine.holds]) if (broken && hold.key.id === key.id) hold.broken()
    return broken
  }

  /**
   * Takes up a lease that `detach` handed over: renews it and makes its secret void in one step; same fencing token, same
   * owner id. Rejects with LockLostError if it ran out on the way, or was attached before, and with LockBackendError if the
   * backend failed: the outcome is unknown then, and trying again in this process is safe.
   */
  static async attach(lease: LeaseJSON | string, options: LockOptions = {}): Promise<Lease> {
    const json = parseLease(lease)
    const { permits, mode } = json
    const use = { mode, permits }
    const lock = new AttachedLock(json.name, { ...options, namespace: json.namespace }, use)
    return lock.#attach(json, options)
  }

  async #attach(json: LeaseJSON, options: AcquireOptions): Promise<Lease> {
    const { engine, demand } = this.#demand({ ...options, ttl: options.ttl ?? json.ttl ?? Number.POSITIVE_INFINITY })
    const { key, ttl, requestTimeout, autoRenew } = demand
    const { owner, mode, permits } = json
    const token = engine.attaching.get(json.token) ?? engine.runtime.id(16)
    engine.attaching.set(json.token, token)
    for (const oldest of engine.attaching.keys())
      if (engine.attaching.size > MANY_ATTACHMENTS) engine.attaching.delete(oldest)
    let sent: Instant | undefined
    const answer = await engine.ask(key, 'attaching', requestTimeout, (timeout, at) => {
      sent = at
      const request = { key, mode, token: json.token, ttl, standalone: !autoRenew, rotateTo: token, timeout }
      return engine.backend.renew(request)
    })
    engine.attaching.delete(json.token)
    if (answer.outcome === 'lost')
      throw new LockLostError(
        `${describeLock(key, engine.backend)}: the lease of owner ${owner} can't be attached: it ran out on the way, was broken, or was attached before`,
        { key },
      )
    const grant = { fencingToken: BigInt(json.fencingToken), since: answer.since ?? (sent as Instant), ttl: answer.ttl }
    const hold = new Hold(engine, { key, mode, permits, owner, token, tokens: 1 }, demand, grant)
    return this.#remember(new HeldLease(engine, hold, demand.maxHold, releaseHold, () => undefined))
  }

  /** Backend, key and settings as they follow from the options and the configuration of this moment. */
  #context(call: AcquireOptions = {}): Context {
    const { options: configured } = configuration()
    const engine = Engine.of(resolveBackend(this.#options.backend ?? configured.backend))
    const key = lockKey(this.#options.namespace ?? configured.namespace ?? '', this.name)
    return { engine, key, settings: settle(call, this.#options, configured) }
  }

  /** What an acquire wants. Most calls bring no options of their own: their demand is made once. */
  #demand(call: AcquireOptions): Wanted {
    const { generation } = configuration()
    const plain = Object.values(call).every((value) => value === undefined)
    if (!plain) return this.#want(call, generation)
    if (this.#wanted?.generation !== generation) this.#wanted = this.#want(call, generation)
    return this.#wanted
  }

  #want(call: AcquireOptions, generation: number): Wanted {
    const { engine, key, settings } = this.#context(call)
    return { generation, engine, demand: demandFor(engine.backend, key, this.use, settings) }
  }

  #remember(lease: HeldLease): HeldLease {
    if (this.#leases.length >= this.#sortOutAt) {
      this.#leases = this.#leases.filter(({ open }) => open)
      this.#sortOutAt = Math.max(MANY_LEASES, 2 * this.#leases.length)
    }
    while (this.#leases.length > 0 && this.#leases.at(-1)?.open === false) this.#leases.pop()
    this.#leases.push(lease)
    return lease
  }

  #newest(): HeldLease {
    const lease = this.#leases.findLast(({ open }) => open)
    if (lease !== undefined) return lease
    throw new LockNotHeldError(
      `lock ${JSON.stringify(this.name)}: no unreleased lease was taken through this object; acquire it first`,
    )
  }
}

/** One attempt, or a place in the line of those who want the same. */
async function attemptOnce(engine: Engine, demand: Demand): Promise<HeldLease | TimedOut> {
  const { hold, ...busy } = await attempt(engine, demand)
  if (hold === undefined) return { holder: undefined, waited: 0, ...busy }
  return new HeldLease(engine, hold, demand.maxHold, releaseHold, () => undefined)
}

const take = (engine: Engine, demand: Demand): Promise<HeldLease | TimedOut> =>
  demand.timeout > 0 ? Line.for(engine, demand).join(demand) : attemptOnce(engine, demand)

const releaseHold: Return = (hold, at) => hold.release(at)

/** A lock in the mode in which a lease was detached. */
class AttachedLock extends Lock {
  readonly #use: Use

  constructor(name: string, options: LockOptions, use: Use) {
    super(name, options)
    this.#use = use
  }

  protected override get use(): Use {
    return this.#use
  }
}
