import {
  type AcquireAnswer,
  type AcquireRequest,
  type Capabilities,
  type ExamineRequest,
  elapsed,
  type Finding,
  type Instant,
  type KeyRequest,
  type ListRequest,
  type LockBackend,
  type LockKey,
  type LockState,
  type RenewAnswer,
  type RenewRequest,
  type Runtime,
  systemRuntime,
  type TokenRequest,
  type Wait,
} from '@locks/core'
import type { Connection } from './client/connection.ts'
import { Doubtful } from './doubtful.ts'
import { examine } from './examine.ts'
import { failure } from './failure.ts'
import { stepsSeen } from './findings.ts'
import { CAPABILITIES } from './guarantee.ts'
import { listNames } from './list.ts'
import { DEFAULT_PREFIX, type RedisBackendOptions, type RedisClient, settingsFrom } from './options.ts'
import { Pushes } from './pushes.ts'
import { type AcquireReply, acquireReply, inspectReply, type Timed, wordReply } from './replies.ts'
import { script } from './script.ts'
import { ACQUIRE } from './scripts/acquire.ts'
import { lateFor, useOf } from './scripts/arguments.ts'
import { INSPECT } from './scripts/inspect.ts'
import { CANCEL, FORCE_RELEASE, RELEASE } from './scripts/release.ts'
import { RENEW } from './scripts/renew.ts'
import { type Asked, Server } from './server.ts'

const acquireScript = script(ACQUIRE)
const cancelScript = script(CANCEL)
const releaseScript = script(RELEASE)
const forceReleaseScript = script(FORCE_RELEASE)
const renewScript = script(RENEW)
const inspectScript = script(INSPECT)

/** How often a waiter looks again without having been told to, in milliseconds: well within the life of its place. */
const LOOK_AGAIN = 1_500
/** How much later than the end of a hold those look that are not first in the queue: the first one is served by then. */
const BEHIND = 200
/** A client that sends again what was not answered needs longer than this to connect again, in milliseconds. */
const RECONNECTING = 20

/** Locks on one Redis or Valkey, or on a Cluster of them: each step is one script, judged by the server's clock alone. */
export class RedisBackend implements LockBackend {
  readonly name: string = 'redis'
  readonly location: string
  readonly capabilities: Capabilities = CAPABILITIES
  readonly runtime: Runtime
  readonly #server: Server
  readonly #pushes: Pushes
  readonly #doubtful: Doubtful
  #requests = 0
  #doubt: (sooner: number) => void = () => undefined

  constructor(connection: Connection, prefix: string, runtime: Runtime) {
    this.runtime = runtime
    this.#doubtful = new Doubtful(runtime)
    const whole = connection.keyPrefix + prefix
    this.location = whole === DEFAULT_PREFIX ? connection.location : `${connection.location} ${whole}`
    this.#pushes = new Pushes(connection, `${prefix}client:${runtime.id(12)}`, runtime)
    this.#server = new Server(connection, prefix, runtime, (sooner) => {
      this.#doubt(sooner)
      this.#pushes.wakeAll()
    })
  }

  onDoubt(listener: (sooner: number) => void): void {
    this.#doubt = listener
  }

  acquire(request: AcquireRequest): Promise<AcquireAnswer> {
    const { wait } = request
    // Waiting is made possible once it is found to be needed.
    return wait !== null && this.#pushes.open ? this.#expect(request, wait) : this.#acquire(request, 'no')
  }

  async #subscribe(request: AcquireRequest, wait: Wait, started: Instant): Promise<AcquireAnswer> {
    await this.#pushes.subscribe().catch((error) => {
      throw failure(this.location, request.key, 'subscribing', error)
    })
    return this.#expect({ ...request, timeout: Math.max(1, request.timeout - elapsed(this.runtime, started)) }, wait)
  }

  #expect(request: AcquireRequest, { queue, wake }: Wait): Promise<AcquireAnswer> {
    const { key, token } = request
    this.#pushes.expect(token, (grant) => {
      if (grant !== undefined) this.#server.holds(token, key, grant.ttl)
      wake(grant)
    })
    return this.#acquire(request, queue ? 'queue' : 'watch')
  }

  async cancel({ key, token, timeout }: TokenRequest): Promise<void> {
    this.#over(token)
    this.#doubtful.delete(token)
    const args = [token, this.#nonce(), String(lateFor(timeout))]
    await this.#server.ask(key, 'cancelling', cancelScript, args, wordReply)
  }

  async renew({ key, token, ttl, rotateTo, timeout }: RenewRequest): Promise<RenewAnswer> {
    const lifetime = ttl === Number.POSITIVE_INFINITY ? 'inf' : String(Math.ceil(ttl))
    const args = [token, lifetime, rotateTo ?? '', String(lateFor(timeout))]
    const { reply } = await this.#server.ask(key, 'renewing', renewScript, args, wordReply)
    if (rotateTo !== undefined || reply === 'lost') this.#over(token)
    if (reply === 'lost') return { outcome: 'lost' }
    const lasts = reply === 'inf' ? Number.POSITIVE_INFINITY : Number(reply)
    if (rotateTo === undefined) this.#server.renewed(token, lasts)
    else this.#server.holds(rotateTo, key, lasts)
    return { outcome: 'renewed', ttl: lasts }
  }

  async release({ key, token, timeout }: TokenRequest): Promise<boolean> {
    this.#over(token)
    const args = [token, this.#nonce()]
    if (this.#doubtful.has(token)) args.push(String(lateFor(timeout)))
    const { reply } = await this.#server.ask(key, 'releasing', releaseScript, args, wordReply)
    this.#doubtful.delete(token)
    return reply === '1'
  }

  async inspect({ key }: KeyRequest): Promise<LockState> {
    return (await this.#server.ask(key, 'inspecting', inspectScript, [''], inspectReply)).reply
  }

  async forceRelease({ key, timeout }: KeyRequest): Promise<boolean> {
    const notAfter = this.#server.latest(key, timeout) ?? (await this.#notAfter(key, timeout))
    const args = [this.runtime.id(16), notAfter, String(lateFor(timeout))]
    const { reply } = await this.#server.ask(key, 'breaking', forceReleaseScript, args, wordReply)
    if (reply === 'late') throw LATE
    return reply === '1'
  }

  async list({ namespace, prefix }: ListRequest): Promise<readonly string[]> {
    try {
      const { connection, prefix: own } = this.#server
      return await this.#server.track(listNames(connection, own, namespace, prefix))
    } catch (error) {
      throw failure(this.location, undefined, 'listing', error)
    }
  }

  async examine({ timeout }: ExamineRequest): Promise<readonly Finding[]> {
    try {
      const { connection, prefix, runtime, steps } = this.#server
      const findings = await this.#server.track(examine(connection, { prefix, timeout, runtime, messages: true }))
      return [...findings, ...stepsSeen(steps)]
    } catch (error) {
      throw failure(this.location, undefined, 'examining', error)
    }
  }

  async close(): Promise<void> {
    await this.#server.close()
    this.#pushes.close()
  }

  async #acquire(request: AcquireRequest, waits: 'no' | 'queue' | 'watch'): Promise<AcquireAnswer> {
    const { key, token, mode, permits, ttl, tokens, owner, metadata, wait, timeout } = request
    const started = this.runtime.now()
    let before = started
    let notAfter = this.#server.latest(key, timeout, before)
    if (notAfter === undefined) {
      notAfter = await this.#notAfter(key, timeout)
      before = this.runtime.now()
    }
    const how = `${useOf(mode, tokens)} ${tokens} ${permits} ${waits}`
    const args = [token, String(Math.ceil(ttl)), notAfter, how, `${owner} ${metadata}`]
    if (waits !== 'no') args.push(this.#pushes.channel)
    const { connection } = this.#server
    const line = connection.line()
    let asked: Asked<AcquireReply>
    try {
      const parse = (text: unknown): Timed<AcquireReply> => acquireReply(text, mode)
      asked = await this.#server.ask(key, 'acquiring', acquireScript, args, parse, undefined, before)
    } catch (error) {
      this.#doubtful.add(token, lateFor(timeout))
      throw error
    }
    const { reply, reading, clock, came } = asked
    const isTwice = line !== undefined && line !== connection.line()
    if (isTwice || (line === undefined && elapsed(this.runtime, reading.before) > RECONNECTING))
      this.#doubtful.add(token, lateFor(timeout))
    switch (reply.outcome) {
      case 'late':
        throw LATE
      case 'granted':
        this.#server.holds(token, key, reply.ttl, came)
        this.#pushes.forget(token)
        return reply
      case 'mismatch':
        this.#pushes.forget(token)
        return reply
      case 'busy': {
        if (waits === 'no' && wait !== null) return this.#subscribe(request, wait, started)
        if (waits !== 'no') this.#pushes.busy(token, reading, clock)
        // Nobody will give up what a second copy may still be granted.
        if (isTwice && wait === null) this.cancel(request).catch(() => undefined)
        const free = reply.freeIn + (reply.first || waits !== 'queue' ? 1 : BEHIND)
        const within = Math.min(LOOK_AGAIN, wait?.retryInterval ?? LOOK_AGAIN) * (0.7 + 0.3 * this.runtime.random())
        return { outcome: 'busy', retryAfter: Math.max(1, Math.min(free, within)), holder: reply.holder }
      }
    }
  }

  async #notAfter(key: LockKey, timeout: number): Promise<string> {
    await this.#server.readClock(key)
    return this.#server.latest(key, timeout) ?? this.#notAfter(key, timeout)
  }

  /** Tells one request from another: `!` and seven characters. */
  #nonce(): string {
    this.#requests = (this.#requests + 1) % 36 ** 7
    return `!${this.#requests.toString(36).padStart(7, '0')}`
  }

  #over(token: string): void {
    this.#pushes.forget(token)
    this.#server.over(token)
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
