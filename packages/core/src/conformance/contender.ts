import {
  type AcquireAnswer,
  type AcquireRequest,
  type Grant,
  type LeaseMode,
  type LockBackend,
  type LockKey,
  type RenewAnswer,
  systemRuntime,
  type TokenRequest,
} from '../index.ts'

export interface ContenderOptions {
  readonly mode?: LeaseMode
  readonly permits?: number
  /** Of its requests. */
  readonly timeout?: number
  /** Of its hold. */
  readonly ttl: number
}

/** Somebody who wants a lock and speaks to the backend itself, without core's help: it renews and retries nothing. */
export class Contender {
  readonly backend: LockBackend
  readonly owner: string = systemRuntime.id(8)
  readonly token: string = systemRuntime.id(16)
  /** How often it was woken, and with which grants. */
  readonly wakes: (Grant | undefined)[] = []
  readonly #key: LockKey
  readonly #options: ContenderOptions

  constructor(backend: LockBackend, key: LockKey, options: ContenderOptions) {
    this.backend = backend
    this.#key = key
    this.#options = options
  }

  get #self(): TokenRequest {
    const { mode = 'exclusive', timeout = 5_000 } = this.#options
    return { key: this.#key, token: this.token, mode, timeout }
  }

  /** One attempt, without a place in the queue. */
  acquire(change: Partial<AcquireRequest> = {}): Promise<AcquireAnswer> {
    const { permits = 1, ttl } = this.#options
    return this.backend.acquire({
      ...this.#self,
      owner: this.owner,
      permits,
      ttl,
      standalone: true,
      tokens: 1,
      metadata: `contender ${this.owner}`,
      wait: null,
      ...change,
    })
  }

  /** One attempt; if the lock is busy, with a place in the queue. */
  enqueue(change: Partial<AcquireRequest> = {}): Promise<AcquireAnswer> {
    const wake = (grant?: Grant): void => {
      this.wakes.push(grant)
    }
    return this.acquire({ wait: { queue: true, retryInterval: undefined, wake }, ...change })
  }

  /** Attempts it until it is granted; undefined if that didn't come about within `limit` milliseconds. */
  async insist(
    limit: number,
    pause: number,
    change: Partial<AcquireRequest> = {},
  ): Promise<Extract<AcquireAnswer, { outcome: 'granted' }> | undefined> {
    const started = performance.now()
    for (;;) {
      const answer = await this.acquire(change)
      if (answer.outcome === 'granted') return answer
      if (performance.now() - started > limit) return undefined
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }

  renew(ttl: number = this.#options.ttl, rotateTo?: string): Promise<RenewAnswer> {
    return this.backend.renew({ ...this.#self, ttl, standalone: true, rotateTo })
  }

  release(): Promise<boolean> {
    return this.backend.release(this.#self)
  }

  cancel(): Promise<void> {
    return this.backend.cancel(this.#self)
  }
}
