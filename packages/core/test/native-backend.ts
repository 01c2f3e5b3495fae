import type {
  AcquireAnswer,
  AcquireRequest,
  Capabilities,
  Grant,
  Instant,
  KeyRequest,
  ListRequest,
  LockBackend,
  LockState,
  RenewAnswer,
  RenewRequest,
  TokenRequest,
} from '../src/index.ts'
import { elapsed, LockBackendError, type Runtime, systemRuntime } from '../src/index.ts'
import type { Push, ServerLink } from './native-entry.ts'
import type { NativeServer } from './native-server.ts'

const CLOSE_TIMEOUT = 5_000
/** A reading of the server's clock is used for this many milliseconds, and taken to be off by this part of its age. */
const READING_LIFE = 5_000
const DRIFT = 0.01

/** A waiter of this client, from its call on. */
interface Waiting {
  readonly wake: (grant?: Grant) => void
  /** It has heard that the lock is busy. */
  answered: boolean
  /** Overtook that answer. */
  early: Push | undefined
}

/** A backend whose server does the work and pushes grants: the other way to write one, with nothing of record stores. */
export class NativeBackend implements LockBackend {
  static readonly capabilities: Capabilities = {
    modes: ['exclusive', 'shared', 'semaphore'],
    queue: 'fifo',
    wakeup: 'push',
    ttl: { min: 20, max: 86_400_000, granularity: 1, infinite: true },
    list: true,
    guarantee: {
      scope: 'process',
      expiry: 'shared clock',
      deadHolder: 'after its ttl',
      lateRequests: 'refused',
      exclusionAcross: { restart: true, failover: 'n/a', dataLoss: 'n/a', clockStep: 'n/a' },
      fencingAcross: { restart: true, dataLoss: 'n/a' },
      caveat: 'Exists in this process only.',
    },
  }
  readonly name: string = 'native'
  readonly location: string = 'here'
  readonly capabilities: Capabilities = NativeBackend.capabilities
  readonly runtime: Runtime
  readonly #server: NativeServer
  readonly #link: ServerLink
  readonly #waiting = new Map<string, Waiting>()
  readonly #underWay = new Set<Promise<unknown>>()
  /** A reading of the server's clock, and a moment before it. */
  #reading: { readonly before: Instant; readonly server: number } | undefined
  #closed: Promise<void> | undefined

  constructor(server: NativeServer, runtime: Runtime = systemRuntime) {
    this.#server = server
    this.runtime = runtime
    this.#link = {
      client: this,
      runtime,
      pushed: (push) => this.#pushed(push),
      // What was pushed meanwhile is lost.
      reconnected: () => {
        for (const token of this.#waiting.keys()) this.#pushed({ token, grant: undefined })
      },
    }
    server.network.open(this.#link)
  }

  async acquire(request: AcquireRequest): Promise<AcquireAnswer> {
    const { wait, timeout, key, token, owner, mode, permits, ttl, tokens, metadata } = request
    if (this.#reading === undefined || elapsed(this.runtime, this.#reading.before) > READING_LIFE)
      await this.#ask('read', timeout, () => undefined)
    const reading = this.#reading
    const waiting: Waiting | null = wait && { wake: wait.wake, answered: false, early: undefined }
    if (waiting !== null) this.#waiting.set(token, waiting)
    const waits = wait === null ? 'no' : wait.queue ? 'queue' : 'notice'
    // Not too early, wherever between its sending and its answer the reading was taken.
    const age = reading === undefined ? 0 : elapsed(this.runtime, reading.before) * (1 + DRIFT)
    const notAfter = reading === undefined ? 0 : reading.server + age + timeout
    const demand = { key, token, owner, mode, permits, ttl, tokens, metadata, waits, notAfter } as const
    const answer = await this.#ask('change', timeout, () => this.#server.acquire(demand, this.#link))
    if (answer.outcome !== 'busy') {
      this.#waiting.delete(token)
      return answer
    }
    if (waiting !== null) this.#heard(waiting)
    const { lookAgain, holder } = answer
    const retryAfter =
      Math.min(wait?.retryInterval ?? Number.POSITIVE_INFINITY, lookAgain) * (0.8 + this.runtime.random() / 5)
    return { outcome: 'busy', retryAfter, holder }
  }

  async cancel({ key, token, timeout }: TokenRequest): Promise<void> {
    this.#waiting.delete(token)
    await this.#ask('change', timeout, () => this.#server.cancel(key, token))
  }

  async renew({ key, token, ttl, rotateTo, timeout }: RenewRequest): Promise<RenewAnswer> {
    const lasts = await this.#ask('change', timeout, () => this.#server.renew(key, token, ttl, rotateTo))
    return lasts === undefined ? { outcome: 'lost' } : { outcome: 'renewed', ttl: lasts }
  }

  release({ key, token, timeout }: TokenRequest): Promise<boolean> {
    return this.#ask('change', timeout, () => this.#server.release(key, token))
  }

  inspect({ key, timeout }: KeyRequest): Promise<LockState> {
    return this.#ask('read', timeout, () => this.#server.inspect(key))
  }

  forceRelease({ key, timeout }: KeyRequest): Promise<boolean> {
    return this.#ask('change', timeout, () => this.#server.forceRelease(key))
  }

  list({ namespace, prefix, timeout }: ListRequest): Promise<readonly string[]> {
    return this.#ask('read', timeout, () => this.#server.list(namespace, prefix))
  }

  close(): Promise<void> {
    this.#closed ??= this.#settle().finally(() => this.#server.network.close(this.#link))
    return this.#closed
  }

  /** Waits for calls under way, but not for a hung one. */
  async #settle(): Promise<void> {
    if (this.#underWay.size === 0) return
    await new Promise<void>((resolve) => {
      const timer = this.runtime.setTimer(CLOSE_TIMEOUT, resolve, true)
      void Promise.allSettled(this.#underWay).then(() => {
        timer.cancel()
        resolve()
      })
    })
  }

  async #ask<T>(kind: 'read' | 'change', timeout: number, carryOut: () => T): Promise<T> {
    if (this.#closed !== undefined) throw new LockBackendError('native here has been closed')
    const before = this.runtime.now()
    const asked = this.#server.network.request(this.#link, kind, timeout, () => ({
      result: carryOut(),
      server: this.#server.now(),
    }))
    this.#underWay.add(asked)
    try {
      const { result, server } = await asked
      this.#reading = { before, server }
      return result
    } finally {
      this.#underWay.delete(asked)
    }
  }

  #heard(waiting: Waiting): void {
    waiting.answered = true
    const { early } = waiting
    if (early !== undefined) this.runtime.setTimer(0, () => this.#pushed(early), true)
  }

  #pushed(push: Push): void {
    const waiting = this.#waiting.get(push.token)
    if (waiting === undefined) return
    if (!waiting.answered) {
      waiting.early = push
      return
    }
    const { grant } = push
    const reading = this.#reading
    if (grant === undefined || reading === undefined) {
      waiting.wake()
      return
    }
    this.#waiting.delete(push.token)
    // The server's clock showed `reading.server` at `reading.before` or later; so `since` is not later than the grant.
    const shown = grant.at - reading.server
    const passed = shown - Math.abs(shown) * DRIFT
    const since = { mono: reading.before.mono + passed, wall: reading.before.wall + passed }
    waiting.wake({ fencingToken: grant.fencingToken, ttl: grant.ttl, since })
  }
}
