import {
  type AcquireAnswer,
  type AcquireRequest,
  type Capabilities,
  type ExamineRequest,
  elapsed,
  type Finding,
  type KeyRequest,
  type ListRequest,
  type LockBackend,
  LockBackendError,
  type LockKey,
  type LockState,
  type RenewAnswer,
  type RenewRequest,
  type Runtime,
  systemRuntime,
  type TokenRequest,
} from '@locks/core'
import type { Connection } from './client/connection.ts'
import { examine } from './examine.ts'
import { failure } from './failure.ts'
import { stepsSeen } from './findings.ts'
import { CAPABILITIES } from './guarantee.ts'
import { keysOf } from './keys.ts'
import { listNames } from './list.ts'
import { DEFAULT_PREFIX, type RedisBackendOptions, type RedisClient, settingsFrom } from './options.ts'
import { Pushes } from './pushes.ts'
import { type AcquireReply, acquireReply, inspectReply, type Timed, wordReply } from './replies.ts'
import { evaluate, type Script, script } from './script.ts'
import { ACQUIRE } from './scripts/acquire.ts'
import { CLOCK, INSPECT } from './scripts/inspect.ts'
import { CANCEL, FORCE_RELEASE, RELEASE } from './scripts/release.ts'
import { RENEW } from './scripts/renew.ts'
import type { Reading, ServerClock } from './server-clock.ts'
import { Watch } from './watch.ts'

const acquireScript = script(ACQUIRE)
const cancelScript = script(CANCEL)
const releaseScript = script(RELEASE)
const forceReleaseScript = script(FORCE_RELEASE)
const renewScript = script(RENEW)
const inspectScript = script(INSPECT)
const clockScript = script(CLOCK)

const CLOSE_TIMEOUT = 5_000
/** How often a waiter looks again without having been told to, in milliseconds: well within the life of its place. */
const LOOK_AGAIN = 1_500
/** How much later than the end of a hold those look that are not first in the queue: the first one is served by then. */
const BEHIND = 200
/** By how much longer than any request of it may be on its way a cancelled token is remembered, in milliseconds. */
const TOMBSTONE_MARGIN = 10_000

/** For how long a cancelled token is remembered that was asked for with a timeout like this one. */
const lateFor = (timeout: number): string => String(Math.ceil(2 * timeout + TOMBSTONE_MARGIN))

/** A server's answer, and what it says of the server's clock. */
interface Asked<T> {
  readonly reply: T
  readonly reading: Reading
  readonly clock: ServerClock
}

/** Locks on one Redis or Valkey, or on a Cluster of them: each step is one script, judged by the server's clock alone. */
export class RedisBackend implements LockBackend {
  readonly name: string = 'redis'
  readonly location: string
  readonly capabilities: Capabilities = CAPABILITIES
  readonly runtime: Runtime
  readonly #connection: Connection
  readonly #prefix: string
  readonly #pushes: Pushes
  readonly #watch: Watch
  /** A key at each server, by which to reach it. */
  readonly #keyAt = new Map<string, LockKey>()
  /** Tokens of which an acquire may still be on its way, and until when, by the server's clock. */
  readonly #doubtful = new Map<string, number>()
  readonly #underWay = new Set<Promise<unknown>>()
  #requests = 0
  #doubt: (sooner: number) => void = () => undefined
  #closed: Promise<void> | undefined

  constructor(connection: Connection, prefix: string, runtime: Runtime) {
    this.#connection = connection
    this.#prefix = prefix
    this.runtime = runtime
    const whole = connection.keyPrefix + prefix
    this.location = whole === DEFAULT_PREFIX ? connection.location : `${connection.location} ${whole}`
    this.#pushes = new Pushes(connection, `${prefix}client:${runtime.id(12)}`, runtime)
    this.#watch = new Watch(
      runtime,
      (server) => this.#readClock(server),
      (sooner) => {
        this.#doubt(sooner)
        this.#pushes.wakeAll()
      },
    )
  }

  onDoubt(listener: (sooner: number) => void): void {
    this.#doubt = listener
  }

  async acquire(request: AcquireRequest): Promise<AcquireAnswer> {
    const { key, wait, token, timeout } = request
    if (wait === null) return this.#acquire(request, 'no')
    const started = this.runtime.now()
    if (!this.#pushes.open) {
      const answer = await this.#acquire(request, 'no')
      if (answer.outcome !== 'busy') return answer
      await this.#pushes.subscribe().catch((error) => {
        throw failure(this.location, key, 'subscribing', error)
      })
    }
    this.#pushes.expect(token, wait.wake)
    const rest = Math.max(1, timeout - elapsed(this.runtime, started))
    const answer = await this.#acquire({ ...request, timeout: rest }, wait.queue ? 'queue' : 'watch')
    if (answer.outcome !== 'busy') this.#pushes.forget(token)
    return answer
  }

  async cancel({ key, token, timeout }: TokenRequest): Promise<void> {
    this.#over(token)
    await this.#ask(key, 'cancelling', cancelScript, [token, lateFor(timeout), '0'], wordReply)
    this.#doubtful.delete(token)
  }

  async renew({ key, token, ttl, rotateTo, timeout }: RenewRequest): Promise<RenewAnswer> {
    const lifetime = ttl === Number.POSITIVE_INFINITY ? 'inf' : String(Math.ceil(ttl))
    const args = [token, lifetime, rotateTo ?? '', lateFor(timeout)]
    const { reply } = await this.#ask(key, 'renewing', renewScript, args, wordReply)
    if (rotateTo !== undefined || reply === 'lost') this.#over(token)
    if (reply === 'lost') return { outcome: 'lost' }
    const lasts = reply === 'inf' ? Number.POSITIVE_INFINITY : Number(reply)
    this.#holds(rotateTo ?? token, key, lasts)
    return { outcome: 'renewed', ttl: lasts }
  }

  async release({ key, token, timeout }: TokenRequest): Promise<boolean> {
    this.#over(token)
    const doubt = this.#doubtful.has(token) ? lateFor(timeout) : '0'
    const { reply } = await this.#ask(key, 'releasing', releaseScript, [token, doubt, this.#number()], wordReply)
    this.#doubtful.delete(token)
    return reply === '1'
  }

  async inspect({ key }: KeyRequest): Promise<LockState> {
    return (await this.#ask(key, 'inspecting', inspectScript, [''], inspectReply)).reply
  }

  async forceRelease({ key, timeout }: KeyRequest): Promise<boolean> {
    const args = ['', await this.#notAfter(key, timeout)]
    const { reply } = await this.#ask(key, 'breaking', forceReleaseScript, args, wordReply)
    if (reply === 'late') throw LATE
    return reply === '1'
  }

  async list({ namespace, prefix }: ListRequest): Promise<readonly string[]> {
    try {
      const names = listNames(this.#connection, this.#prefix, namespace, prefix)
      return await this.#track(names)
    } catch (error) {
      throw failure(this.location, undefined, 'listing', error)
    }
  }

  async examine({ timeout }: ExamineRequest): Promise<readonly Finding[]> {
    try {
      const { runtime } = this
      const findings = await this.#track(examine(this.#connection, { prefix: this.#prefix, timeout, runtime }))
      return [...findings, ...stepsSeen(this.#watch.steps)]
    } catch (error) {
      throw failure(this.location, undefined, 'examining', error)
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#settle().finally(() => {
      this.#watch.close()
      this.#pushes.close()
      this.#connection.close()
    })
    return this.#closed
  }

  async #acquire(request: AcquireRequest, waits: 'no' | 'queue' | 'watch'): Promise<AcquireAnswer> {
    const { key, token, mode, permits, ttl, tokens, owner, metadata, wait, timeout } = request
    const notAfter = await this.#notAfter(key, timeout)
    const kind = mode === 'exclusive' ? 'x' : mode === 'shared' ? 's' : String(permits)
    const info = `${owner} ${metadata}`
    const args = [token, String(Math.ceil(ttl)), notAfter, String(tokens), kind, waits, this.#pushes.channel, info]
    let asked: Asked<AcquireReply>
    try {
      asked = await this.#ask(key, 'acquiring', acquireScript, args, (text) => acquireReply(text, mode))
    } catch (error) {
      this.#doubtful.set(token, this.runtime.now().mono + timeout)
      throw error
    }
    const { reply, reading, clock } = asked
    switch (reply.outcome) {
      case 'late':
        throw LATE
      case 'granted':
        this.#holds(token, key, reply.ttl)
        return reply
      case 'mismatch':
        return reply
      case 'busy': {
        if (waits !== 'no') this.#pushes.busy(token, reading, clock)
        const free = reply.freeIn + (reply.first || waits !== 'queue' ? 1 : BEHIND)
        const within = Math.min(LOOK_AGAIN, wait?.retryInterval ?? LOOK_AGAIN) * (0.7 + 0.3 * this.runtime.random())
        return { outcome: 'busy', retryAfter: Math.max(1, Math.min(free, within)), holder: reply.holder }
      }
    }
  }

  /** One script on one lock. What it answers tells the server's time. */
  async #ask<T>(
    key: LockKey,
    action: string,
    what: Script,
    args: readonly string[],
    parse: (reply: unknown) => Timed<T>,
  ): Promise<Asked<T>> {
    const keys = keysOf(this.#prefix, key)
    const before = this.runtime.now()
    try {
      if (this.#closed !== undefined) throw new LockBackendError(`redis ${this.location} has been closed`, { key })
      const send = (command: string, rest: readonly string[]): Promise<unknown> =>
        this.#connection.send(keys[0], command, rest)
      const { now, reply } = parse(await this.#track(evaluate(send, what, keys, args)))
      const reading = { before, server: now }
      const clock = this.#watch.clockOf(this.#connection.serverOf(keys[0]))
      clock.observe(reading)
      return { reply, reading, clock }
    } catch (error) {
      throw failure(this.location, key, action, error)
    }
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work)
    const done = (): void => void this.#underWay.delete(work)
    work.then(done, done)
    return work
  }

  /** The server's time after which nobody waits for the answer any more. */
  async #notAfter(key: LockKey, timeout: number): Promise<string> {
    const main = keysOf(this.#prefix, key)[0]
    if (!this.#watch.clockOf(this.#connection.serverOf(main)).known)
      await this.#ask(key, 'reading the clock', clockScript, [''], wordReply)
    // Asked for again: what server it is at may have become known with the first reply.
    return String(this.#watch.clockOf(this.#connection.serverOf(main)).latest(timeout))
  }

  #holds(token: string, key: LockKey, ttl: number): void {
    const server = this.#connection.serverOf(keysOf(this.#prefix, key)[0])
    this.#keyAt.set(server, key)
    this.#watch.holds(token, server, ttl)
  }

  #number(): string {
    this.#requests += 1
    return String(this.#requests)
  }

  #over(token: string): void {
    this.#pushes.forget(token)
    this.#watch.over(token)
  }

  /** A failure tells nothing: what is held runs out unless renewed. */
  #readClock(server: string): void {
    const key = this.#keyAt.get(server)
    if (key !== undefined) this.#ask(key, 'reading the clock', clockScript, [''], wordReply).catch(() => undefined)
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
}

/** Not an answer: whether the lock is free was not looked at. Asked again, with the clock as it is now known. */
const LATE = new Error('the request reached the server after its time limit')

/**
 * Locks on a Redis (from 7.0) or Valkey server, on one that Sentinels watch, or on a Cluster: a URL, a client of ioredis,
 * iovalkey or node-redis, or options. Default: `redis://127.0.0.1:6379`. Connects on first use.
 *
 * Throws a TypeError or RangeError for what it does not understand.
 */
export function redisBackend(options?: string | URL | RedisClient | RedisBackendOptions): LockBackend {
  const { prefix, connect } = settingsFrom(options)
  return new RedisBackend(connect(systemRuntime), prefix, systemRuntime)
}
