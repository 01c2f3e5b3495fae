import type { AcquireRequest, LockBackend, TokenRequest } from './backend.ts'
import type { Demand } from './demand.ts'
import { backendError, describeSubject, LockBackendError, LockError } from './errors.ts'
import type { LockKey } from './key.ts'
import { elapsed, type Instant, type Runtime, systemRuntime } from './runtime.ts'
import { Scheduler } from './scheduler.ts'

/** How often a call that failed outright is made again, and the first pause in milliseconds (doubled each time). */
const REPEATS = 4
const FIRST_PAUSE = 20
/** How long clean-up in the background goes on, in milliseconds, and how long `close` waits for it. */
const UNDO_FOR = 30_000
const CLOSE_TIMEOUT = 5_000

/** Somebody, or a line of them, who waits for a lock, as far as the engine needs to know. */
export interface Waiting {
  readonly key: LockKey
  /** Waiters that have no place in the backend's queue of their own. */
  readonly unseen: number
  close(error: (key: LockKey) => LockError): void
}

/** A hold, as far as its engine needs to know it. */
export interface Holding {
  readonly key: LockKey
  /** Somebody broke it: it is lost. */
  broken(): void
  /** It may end `sooner` milliseconds earlier than the backend had said. */
  doubt(sooner: number): void
  /** Declares it lost and gives it up at the backend. Never rejects. */
  evict(): Promise<void>
}

export interface Asking {
  /** How often a call that failed outright is made again. */
  readonly repeats?: number
  /** Whether nobody wants the answer any more: then no call is made again. */
  readonly stopped?: () => boolean
  /** Whether the process must stay up for the answer. */
  readonly keepAlive?: boolean
  /** This moment, where the caller has read the clocks already. */
  readonly at?: Instant
}

const schedulers = new WeakMap<Runtime, Scheduler>()
const engines = new WeakMap<LockBackend, Engine>()

/** A failure of the backend whose outcome repeating cannot mend: core's own, or one that the adapter put into words. */
const isFinal = (error: unknown): error is Error =>
  error instanceof LockError ||
  (error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('LOCK_'))

/** What core keeps for one backend object: its lines of waiters, its holds, and the clean-up under way. */
export class Engine {
  readonly backend: LockBackend
  readonly runtime: Runtime
  readonly scheduler: Scheduler
  readonly waiting: Set<Waiting> = new Set()
  /** New secrets of attachments whose outcome is unknown, by the old ones: trying again must come to the same. */
  readonly attaching: Map<string, string> = new Map()
  readonly holds: Set<Holding> = new Set()
  readonly #background = new Set<Promise<unknown>>()
  #closed: Promise<void> | undefined

  private constructor(backend: LockBackend) {
    this.backend = backend
    this.runtime = backend.runtime ?? systemRuntime
    const scheduler = schedulers.get(this.runtime) ?? new Scheduler(this.runtime)
    schedulers.set(this.runtime, scheduler)
    this.scheduler = scheduler
    backend.onDoubt?.((sooner) => {
      for (const hold of [...this.holds]) hold.doubt(sooner)
    })
  }

  static of(backend: LockBackend): Engine {
    const engine = engines.get(backend) ?? new Engine(backend)
    engines.set(backend, engine)
    return engine
  }

  /** A request of a fresh token for a demand. */
  request(demand: Demand, tokens: number): Omit<AcquireRequest, 'wait' | 'timeout'> {
    const { key, mode, permits, metadata } = demand
    const { min, max } = this.backend.capabilities.ttl
    // A permanent hold is granted finite and made permanent after the reply, so that a lost reply leaves nothing for ever.
    const ttl = demand.ttl === Number.POSITIVE_INFINITY ? Math.min(Math.max(30_000, min), max) : demand.ttl
    const standalone = !demand.autoRenew || demand.maxHold !== Number.POSITIVE_INFINITY
    const token = this.runtime.id(16)
    return { key, mode, permits, metadata, ttl, standalone, tokens, token, owner: this.runtime.id(8) }
  }

  /**
   * One call to the backend within `budget` milliseconds. A call that fails outright is repeated a few times; one that
   * isn't answered is given up. Each call is told its budget, and the moment before it was made. Rejects with
   * LockBackendError: then the outcome is unknown.
   */
  ask<T>(
    key: LockKey | undefined,
    action: string,
    budget: number,
    call: (timeout: number, sent: Instant) => Promise<T>,
    asking: Asking = {},
  ): Promise<T> {
    if (this.#closed !== undefined) return Promise.reject(this.#closedError(key))
    const { repeats = REPEATS, keepAlive = true, stopped, at: started = this.runtime.now() } = asking
    return new Promise((resolve, reject) => {
      const put = (repeat: number, rest: number, sent: Instant, before?: unknown): void => {
        // Whole: `AbortSignal.timeout` and its like refuse fractions.
        const answer = attempted(() => call(Math.ceil(rest), sent))
        this.#hear(answer, rest, sent, keepAlive, resolve, (error) => {
          if (error === NO_ANSWER) reject(this.#unanswered(key, action, budget, before))
          else if (isFinal(error) || stopped?.() === true) reject(error)
          else void again(repeat, error)
        })
      }
      const again = async (repeat: number, error: unknown): Promise<void> => {
        const pause = FIRST_PAUSE * 2 ** repeat * (0.5 + this.runtime.random() / 2)
        const rest = budget - elapsed(this.runtime, started) - pause
        if (repeat >= repeats || rest <= 0) {
          reject(backendError(key, this.backend, action, error))
          return
        }
        await this.#pause(pause, keepAlive)
        if (stopped?.() === true) reject(error)
        else put(repeat + 1, rest, this.runtime.now(), error)
      }
      put(0, budget, started)
    })
  }

  /**
   * Takes back, in the background, whatever an acquire of this token has done or may still do. Resolves when that has been
   * done, or given up.
   */
  undo({ key, token, mode }: TokenRequest, requestTimeout: number): Promise<void> {
    // A wall clock that is set forward must not end it early.
    const { mono: started } = this.runtime.now()
    const attempt = async (): Promise<void> => {
      for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, requestTimeout)) {
        try {
          const timeout = requestTimeout
          const request = { key, token, mode, timeout }
          await this.within(
            timeout,
            attempted(() => this.backend.cancel(request)),
          )
          return
        } catch {
          // The ttl ends what can't be undone.
          if (this.runtime.now().mono - started > UNDO_FOR || this.#closed !== undefined) return
          await this.#pause(pause, false)
        }
      }
    }
    const undone = attempt()
    this.background(undone)
    return undone
  }

  /** Work that nobody waits for but `close`. It must not reject. */
  background(work: Promise<unknown>): void {
    this.#background.add(work)
    void work.finally(() => this.#background.delete(work))
  }

  /**
   * Ends all waiting with LockBackendError, declares leases that are still held lost, releases them, waits (at most 5 s)
   * for clean-up under way, and closes the backend.
   */
  close(): Promise<void> {
    this.#closed ??= Promise.resolve().then(async () => {
      for (const waiting of [...this.waiting]) waiting.close((key) => this.#closedError(key))
      for (const hold of [...this.holds]) this.background(hold.evict())
      await this.#settled()
      await this.backend.close()
      engines.delete(this.backend)
    })
    return this.#closed
  }

  async #settled(): Promise<void> {
    const started = this.runtime.now()
    for (let rest = CLOSE_TIMEOUT; this.#background.size > 0 && rest > 0; ) {
      await this.within(rest, Promise.allSettled(this.#background)).catch(() => undefined)
      rest = CLOSE_TIMEOUT - elapsed(this.runtime, started)
    }
  }

  /** Rejects unless answered within `timeout` milliseconds. */
  within<T>(timeout: number, answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#hear(answer, timeout, this.runtime.now(), true, resolve, reject)
    })
  }

  /** Hears an answer, or `NO_ANSWER` once `timeout` milliseconds have passed since `from`; then nothing more. */
  #hear<T>(
    answer: Promise<T>,
    timeout: number,
    from: Instant,
    keepAlive: boolean,
    done: (value: T) => void,
    failed: (error: unknown) => void,
  ): void {
    const { scheduler } = this
    const alarm = scheduler.after(from.mono, timeout, () => failed(NO_ANSWER), keepAlive)
    answer.then(
      (value) => {
        if (scheduler.drop(alarm)) done(value)
      },
      (error: unknown) => {
        if (scheduler.drop(alarm)) failed(error)
      },
    )
  }

  #pause(ms: number, keepAlive: boolean): Promise<void> {
    return new Promise((resolve) => {
      this.scheduler.after(this.runtime.now().mono, ms, resolve, keepAlive)
    })
  }

  /** `cause`: what an earlier call failed of. */
  #unanswered(key: LockKey | undefined, action: string, budget: number, cause: unknown): LockBackendError {
    const first = cause === undefined ? '' : ` (a first call failed: ${cause instanceof Error ? cause.message : cause})`
    return new LockBackendError(
      `${describeSubject(key, this.backend)}: ${action} got no answer within ${Math.round(budget)} ms${first}. Whether the lock is free is unknown; see whether the backend is up`,
      { key, cause },
    )
  }

  #closedError(key: LockKey | undefined): LockBackendError {
    return new LockBackendError(`${describeSubject(key, this.backend)}: the backend has been closed`, { key })
  }
}

/** Whatever an adapter does: some throw instead of rejecting, or answer without a promise. */
function attempted<T>(call: () => Promise<T>): Promise<T> {
  try {
    return Promise.resolve(call())
  } catch (error) {
    return Promise.reject(error)
  }
}

const NO_ANSWER: unique symbol = Symbol('no answer')
