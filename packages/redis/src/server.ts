import { type Instant, LockBackendError, type LockKey, type Runtime } from '@locks/core'
import { Batches } from './batches.ts'
import type { Connection } from './client/connection.ts'
import { failure } from './failure.ts'
import { mainKey, toldOf } from './keys.ts'
import { type Timed, wordReply } from './replies.ts'
import { evaluate, type Script, script } from './script.ts'
import { CLOCK } from './scripts/inspect.ts'
import type { Reading, ServerClock } from './server-clock.ts'
import { Watch } from './watch.ts'

const clockScript = script(CLOCK)
const CLOSE_TIMEOUT = 5_000

/** A server's answer, and what it says of the server's clock. */
export interface Asked<T> {
  readonly reply: T
  readonly reading: Reading
  readonly clock: ServerClock
  /** When the answer came, by the monotonic clock. */
  readonly came: number
}

const NONE: readonly string[] = []

/** A server (or a Cluster) to run scripts at, with what is known of its clock and of what this process holds there. */
export class Server {
  readonly location: string
  readonly connection: Connection
  readonly prefix: string
  readonly runtime: Runtime
  readonly #watch: Watch
  readonly #batches: Batches | undefined
  /** The clock, where there is but one server. */
  readonly #only: ServerClock | undefined
  /** A lock at each server of a Cluster, by which to reach it. */
  readonly #keyAt = new Map<string, LockKey>()
  #underWay = 0
  #idle: (() => void) | undefined
  #closed: Promise<void> | undefined

  /** `stepped` hears by how many milliseconds holds may end sooner, as a clock was set forward. */
  constructor(connection: Connection, prefix: string, runtime: Runtime, stepped: (sooner: number) => void) {
    this.connection = connection
    this.location = connection.location
    this.prefix = prefix
    this.runtime = runtime
    this.#watch = new Watch(runtime, (server) => this.#readClock(server), stepped)
    // Locks at different servers, or slots, can't share a request.
    if (!connection.single) return
    this.#only = this.#watch.clockOf('')
    this.#batches = new Batches((command, args) => connection.send('', command, args))
  }

  /** How many steps of clocks were seen so far. */
  get steps(): number {
    return this.#watch.steps
  }

  /** One script on one lock; `more` are keys besides the lock's, `before` is this moment. */
  async ask<T>(
    key: LockKey,
    action: string,
    what: Script,
    args: readonly string[],
    parse: (reply: unknown) => Timed<T>,
    more: readonly string[] = NONE,
    before: Instant = this.runtime.now(),
  ): Promise<Asked<T>> {
    const main = mainKey(this.prefix, key)
    this.#underWay += 1
    try {
      if (this.#closed !== undefined) throw new LockBackendError(`redis ${this.location} has been closed`, { key })
      const { now, reply } = parse(await this.#evaluate(what, main, args, more))
      const reading = { before, server: now }
      const clock = this.#only ?? this.#watch.clockOf(this.connection.serverOf(main))
      return { reply, reading, clock, came: clock.observe(reading) }
    } catch (error) {
      throw failure(this.location, key, action, error)
    } finally {
      this.#done()
    }
  }

  #evaluate(what: Script, main: string, args: readonly string[], more: readonly string[]): Promise<unknown> {
    if (this.#batches !== undefined && more.length === 0)
      return this.#batches.ask(what, main, args, this.#underWay === 1)
    return evaluate(
      (command, rest) => this.connection.send(main, command, rest),
      what,
      [...toldOf(main, this.connection.single), ...more],
      args,
    )
  }

  /** Other work under way that `close` waits for. */
  async track<T>(work: Promise<T>): Promise<T> {
    this.#underWay += 1
    try {
      return await work
    } finally {
      this.#done()
    }
  }

  /** The server's time after which nobody waits for the answer any more; undefined while its clock has not been read. */
  latest(key: LockKey, timeout: number, now: Instant = this.runtime.now()): string | undefined {
    const clock = this.#only ?? this.#watch.clockOf(this.connection.serverOf(mainKey(this.prefix, key)))
    return clock.known ? String(clock.latest(timeout, now.mono)) : undefined
  }

  /** Reads the clock. */
  async readClock(key: LockKey): Promise<void> {
    await this.ask(key, 'reading the clock', clockScript, [''], wordReply)
  }

  /** `token` holds for `ttl` milliseconds at most from `from` on, now: until then, the clock is read every second. */
  holds(token: string, key: LockKey, ttl: number, from: number = this.runtime.now().mono): void {
    const server = this.#only === undefined ? this.connection.serverOf(mainKey(this.prefix, key)) : ''
    this.#keyAt.set(server, key)
    this.#watch.holds(token, server, from + ttl)
  }

  /** `token` holds for `ttl` milliseconds from now at most, unless it is over meanwhile. */
  renewed(token: string, ttl: number): void {
    this.#watch.renewed(token, ttl)
  }

  over(token: string): void {
    this.#watch.over(token)
  }

  /** Waits for calls under way, `timeout` milliseconds at most, and closes what is ours. */
  close(timeout: number = CLOSE_TIMEOUT): Promise<void> {
    this.#closed ??= this.#settle(timeout).finally(() => {
      this.#watch.close()
      this.connection.close()
    })
    return this.#closed
  }

  /** A failure tells nothing: what is held runs out unless renewed. */
  #readClock(server: string): void {
    const key = this.#keyAt.get(server)
    if (key !== undefined) this.readClock(key).catch(() => undefined)
  }

  #done(): void {
    this.#underWay -= 1
    if (this.#underWay === 0) this.#idle?.()
  }

  async #settle(timeout: number): Promise<void> {
    if (this.#underWay === 0) return
    await new Promise<void>((resolve) => {
      const timer = this.runtime.setTimer(timeout, resolve, true)
      this.#idle = () => {
        timer.cancel()
        resolve()
      }
    })
  }
}
