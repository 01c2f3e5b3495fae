import { inspect } from 'node:util'
import { BackOff, FIRST_PAUSE, jittered } from './back-off.ts'
import { Campaign } from './campaign.ts'
import type { Demand } from './demand.ts'
import type { Election, ElectOptions, Leader } from './election.ts'
import type { Engine, Waiting } from './engine.ts'
import { describeLock, formatDuration, type LockError, LockLostError } from './errors.ts'
import type { LockKey } from './key.ts'
import { HeldLease, type Lease, type Return } from './lease.ts'
import { elapsed } from './runtime.ts'
import type { Task } from './scheduler.ts'

/** The longest pauses in milliseconds, after failures of the backend in a row and after throws in a row. */
const LONGEST_OUTAGE_PAUSE = 10_000
const LONGEST_THROW_PAUSE = 60_000
/** A body that hasn't settled this many milliseconds after its signal was aborted is reported. */
const SLOW = 10_000
/** Milliseconds: never. */
const FOR_EVER = Number.MAX_SAFE_INTEGER

const release: Return = (hold, at) => hold.release(at)

/** One candidate of an election: a campaign, a term, a pause, again and again. */
export class Candidate implements Election, Waiting {
  readonly key: LockKey
  /** Its place is in the backend's queue. */
  readonly unseen: number = 0
  readonly #engine: Engine
  readonly #demand: Demand
  readonly #options: Pick<ElectOptions, 'onElected' | 'onError' | 'signal'>
  readonly #stopping = new AbortController()
  readonly #over: Promise<void>
  readonly #outages: BackOff
  readonly #throws: BackOff
  #lease: Lease | null = null

  constructor(engine: Engine, demand: Demand, options: Pick<ElectOptions, 'onElected' | 'onError' | 'signal'>) {
    this.key = demand.key
    this.#engine = engine
    this.#demand = demand
    this.#options = options
    this.#outages = new BackOff(engine.runtime, LONGEST_OUTAGE_PAUSE)
    this.#throws = new BackOff(engine.runtime, LONGEST_THROW_PAUSE)
    this.#over = this.#run()
  }

  get name(): string {
    return this.key.name
  }

  get lease(): Lease | null {
    return this.#lease
  }

  async current(): Promise<Leader | null> {
    const { key } = this
    const { holders } = await this.#engine.ask(key, 'inspecting', this.#demand.requestTimeout, (timeout) =>
      this.#engine.backend.inspect({ key, timeout }),
    )
    const leader = holders.find(({ mode }) => mode === 'exclusive')
    if (leader === undefined) return null
    const { owner, metadata, fencingToken } = leader
    return { owner, metadata, fencingToken }
  }

  stop(): Promise<void> {
    this.#stopping.abort()
    return this.#over
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** The backend is being closed. */
  close(error: (key: LockKey) => LockError): void {
    this.#stopping.abort(error(this.key))
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted
  }

  async #run(): Promise<void> {
    const { scheduler, runtime, waiting } = this.#engine
    const { signal } = this.#options
    const obey = (): void => this.#stopping.abort(signal?.reason)
    if (signal?.aborted === true) {
      obey()
      return
    }
    signal?.addEventListener('abort', obey, { once: true })
    waiting.add(this)
    // Nothing else keeps the process up for a leader whose work is to wait.
    const alive = scheduler.after(runtime.now().mono, FOR_EVER, () => undefined, true)
    this.#onStop(() => scheduler.drop(alive))
    while (!this.#stopped) await this.#pause(await this.#term())
    waiting.delete(this)
    signal?.removeEventListener('abort', obey)
  }

  /** Campaigns, and leads if elected. Resolves with the milliseconds to wait before the next time. */
  async #term(): Promise<number> {
    try {
      const lease = await this.#campaign()
      if (lease === undefined) return 0
      this.#outages.reset()
      return await this.#lead(lease)
    } catch (error) {
      this.#report(error)
      return this.#outages.next()
    }
  }

  /** Resolves with undefined if stopped. Rejects with why the backend couldn't be asked. */
  #campaign(): Promise<HeldLease | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<HeldLease | undefined>()
    // Without tokens for local hand-off: each leader has the one that `current` shows.
    const campaign = new Campaign(this.#engine, this.#demand, false, {
      granted: (hold) => resolve(new HeldLease(this.#engine, hold, this.#demand.maxHold, release, () => undefined)),
      busy: () => this.#outages.reset(),
      failed: reject,
    })
    const listening = this.#onStop(() => {
      const left = this.#engine.within(this.#demand.requestTimeout, campaign.stop())
      resolve(left.catch(() => undefined).then(() => undefined))
    })
    void campaign.run(this.#engine.runtime.now())
    return promise.finally(listening)
  }

  /** Whatever becomes of its work, the lease is given up after it. */
  async #lead(lease: HeldLease): Promise<number> {
    try {
      if (this.#stopped || !lease.held) return 0
      const { runtime } = this.#engine
      const elected = runtime.now()
      const threw = await this.#runBody(lease)
      if (!threw || elapsed(runtime, elected) > LONGEST_THROW_PAUSE) this.#throws.reset()
      if (threw) return this.#throws.next()
      return lease.loss === undefined ? jittered(runtime, FIRST_PAUSE) : 0
    } finally {
      await lease.release()
    }
  }

  /** Resolves with whether it threw, once it has settled. */
  async #runBody(lease: HeldLease): Promise<boolean> {
    const { scheduler, runtime } = this.#engine
    const told = new AbortController()
    const { signal } = told
    let slow: Task | undefined
    const tell = (reason: unknown): void => {
      slow ??= scheduler.after(runtime.now().mono, SLOW, () => this.#report(this.#slowError(signal)), false)
      told.abort(reason)
    }
    // Not `AbortSignal.any`: with a listener that a body leaves on it, such a signal lives as long as the election.
    lease.signal.addEventListener('abort', () => tell(lease.signal.reason), { once: true })
    const listening = this.#onStop(() => tell(this.#stopping.signal.reason))
    this.#lease = lease
    try {
      await this.#options.onElected(lease, signal)
      return false
    } catch (error) {
      if (signal.aborted && this.#echoes(error, signal.reason)) return false
      this.#report(error)
      return true
    } finally {
      this.#lease = null
      listening()
      if (slow !== undefined) scheduler.drop(slow)
    }
  }

  /** Whether an error only passes on what the body's signal said. */
  #echoes(error: unknown, reason: unknown): boolean {
    const chain = error instanceof Error ? [error, error.cause] : [error]
    return chain.some(
      (one) =>
        one === reason ||
        (one instanceof Error && one.name === 'AbortError') ||
        (one instanceof LockLostError && one.key?.id === this.key.id),
    )
  }

  #report(error: unknown): void {
    const { onError } = this.#options
    if (onError !== undefined) {
      // What it throws is nobody's to catch.
      void (async () => onError(error))()
      return
    }
    const message = error instanceof Error ? error.message : inspect(error)
    const subject = describeLock(this.key, this.#engine.backend)
    const text = message.startsWith(subject) ? message : `${subject}: onElected threw: ${message}`
    process.emitWarning(`${text} (the election goes on; onError would hear of this)`, {
      type: 'LockElectionWarning',
      detail: inspect(error),
    })
  }

  #slowError(signal: AbortSignal): Error {
    const subject = describeLock(this.key, this.#engine.backend)
    return new Error(
      `${subject}: onElected has not settled ${formatDuration(SLOW)} after its signal was aborted. Until it has, it is neither elected again nor done with stop(). Does it heed its signal, or await stop()?`,
      { cause: signal.reason },
    )
  }

  /** Unless stopped before. */
  #pause(ms: number): Promise<void> {
    if (ms === 0 || this.#stopped) return Promise.resolve()
    const { scheduler, runtime } = this.#engine
    const { promise, resolve } = Promise.withResolvers<void>()
    const alarm = scheduler.after(runtime.now().mono, ms, resolve, true)
    const listening = this.#onStop(() => {
      scheduler.drop(alarm)
      resolve()
    })
    return promise.finally(listening)
  }

  /** Calls back when stopped; what it returns takes that back. */
  #onStop(callback: () => void): () => void {
    const { signal } = this.#stopping
    signal.addEventListener('abort', callback, { once: true })
    return () => signal.removeEventListener('abort', callback)
  }
}
