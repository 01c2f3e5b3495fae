import type { Socket } from 'node:net'
import type { Memjs, MemjsClient, MemjsServer } from './client.ts'

/** Seconds: memjs' own limit, behind the one of each request here. */
const LIMIT = 3_600
/** Milliseconds: no answer is waited for any longer, and what was seen of the server's clock counts no longer. */
const MOMENT = 2_000
/** Seconds by which the server's clock may be late: it counts whole ones, and is looked at each second. */
const LAG = 2
/** What `uptime` says when a server begins. */
const FIRST_UPTIME = 2
/** Milliseconds by which a request may be given up late. */
const TICK = 10
/** Milliseconds between two looks at a server that has only just begun. */
const PAUSE = 100

/**
 * Seconds by which an item may go too early. Its end is counted from what the server takes for the present. That is late by
 * `LAG`, and after a halt by as much as that took, until the server looks at its clock: no more than was left unseen, twice a
 * `MOMENT` and `LAG`, by the time that an answer to the change is waited for no longer.
 */
export const EARLY: number = 2 * LAG + (3 * MOMENT) / 1_000 + 1

const YOUNG = 'it began less than two seconds ago, in which nothing is granted'
const UNHEARD = ': it hangs, or was it started without the binary protocol (-B ascii, -Y)?'

/** A request without an answer yet. */
interface Pending {
  /** Milliseconds. */
  readonly limit: number
  readonly until: number
  readonly fail: (error: unknown) => void
}

type Stats = Readonly<Record<string, string>>
/** What was seen of the server's clock a moment ago. */
export interface Proof {
  /** A number for the server's process, higher than that of each before it by the wall clock: the second in which it began. */
  readonly epoch: bigint
  /** Its time in seconds. */
  readonly time: number
}
/** Begins a request; calls `done` with what comes of it. */
type Begin<T> = (client: MemjsClient, done: (error: Error | null, answer: T) => void) => void

/**
 * One TCP connection, by a client of memjs that has no other, and so one process of the server: versions that were read over
 * it mean the same as long as it lasts. It is never mended, since what is left of a broken answer would be taken for the
 * beginning of the next.
 */
export class Line {
  readonly #client: MemjsClient
  readonly #pending = new Set<Pending>()
  #watcher: NodeJS.Timeout | undefined
  #socket: Socket | undefined
  #isRetired = false
  #isClosed = false
  #end: Error | undefined
  #seen: Proof | undefined
  #isYoung = false
  /** The server's time beyond the own, in seconds: at least so much. */
  #ahead = Number.NEGATIVE_INFINITY
  #proven = Number.NEGATIVE_INFINITY
  #proof: Promise<void> | undefined
  /** How many wait for that. */
  #proving = 0

  constructor(library: Memjs, { host, port, username, password }: MemjsServer) {
    const logger = { log: (): void => undefined }
    const options = { username, password, retries: 1, failover: false, timeout: LIMIT, conntimeout: LIMIT, logger }
    this.#client = new library.Client([new library.Server(host, port, username, password, options)], options)
  }

  /** Whether more can be sent over it. */
  get isOpen(): boolean {
    return this.#end === undefined && !this.#isRetired
  }

  /**
   * One request, up to `timeout` milliseconds, or 2 s. After any failure nothing new is sent over this line, and it is closed as
   * soon as nothing is under way.
   */
  exchange<T>(begin: Begin<T>, timeout: number): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined) {
        reject(this.#end)
        return
      }
      const limit = Math.min(timeout, MOMENT)
      const fail = (error: unknown): void => {
        this.#isRetired = true
        this.#settle(pending)
        reject(error instanceof Error ? error : new Error(String(error)))
      }
      const pending: Pending = { limit, until: performance.now() + limit, fail }
      this.#pending.add(pending)
      this.#watcher ??= setInterval(() => this.#watch(), TICK)
      begin(this.#client, (error, answer) => {
        if (!this.#pending.has(pending)) return
        if (error !== null) fail(error)
        // Its time may have come while this process was busy.
        else if (performance.now() > pending.until) fail(new Error(this.#silence(limit)))
        else {
          this.#settle(pending)
          resolve(answer)
        }
      })
      this.#listen()
    })
  }

  #settle(pending: Pending): void {
    this.#pending.delete(pending)
    if (this.#isRetired) this.#retire()
  }

  /** One timer for all, which also keeps the process up meanwhile: a timer for each request costs more than the rest of it. */
  #watch(): void {
    if (this.#pending.size === 0) {
      clearInterval(this.#watcher)
      this.#watcher = undefined
    }
    const now = performance.now()
    for (const { limit, until, fail } of [...this.#pending]) if (until <= now) fail(new Error(this.#silence(limit)))
  }

  /** The server's own figures, or those of a kind (`settings`). */
  stats(kind: string, timeout: number): Promise<Stats> {
    return this.exchange((client, done) => {
      client.statsWithKey(kind, (error, _server, stats) => done(error, stats))
    }, timeout)
  }

  /**
   * What was seen of the server a moment ago. Undefined if nothing was: then nothing must be sent, since what is stored where
   * the clock was halted could end at once.
   */
  get seen(): Proof | undefined {
    return performance.now() - this.#proven <= MOMENT ? this.#seen : undefined
  }

  /** Resolves once that is told. That is not in the server's first second: another one could begin with the same number. */
  async prove(timeout: number): Promise<void> {
    this.#proof ??= this.#look().finally(() => {
      this.#proof = undefined
    })
    const { promise: expiry, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => reject(new Error(this.#isYoung ? YOUNG : this.#silence(timeout))), timeout)
    this.#proving += 1
    try {
      await Promise.race([this.#proof, expiry])
      this.#proving -= 1
    } catch (thrown) {
      this.#proving -= 1
      this.#retire()
      throw thrown
    } finally {
      clearTimeout(timer)
    }
  }

  async #look(): Promise<void> {
    do {
      const asked = performance.now()
      const { time, uptime } = await this.stats('', MOMENT)
      const answered = performance.now()
      const [now, age] = [Number(time), Number(uptime)]
      if (!Number.isSafeInteger(now - age) || now <= age) throw new Error('it does not tell since when it runs')
      if (now - asked / 1_000 < this.#ahead - LAG) throw new Error('its clock stood still')
      this.#ahead = Math.max(this.#ahead, now - answered / 1_000)
      this.#proven = asked
      // It counts beginnings of seconds: two of them are more than one second.
      this.#isYoung = age < FIRST_UPTIME + 2
      if (this.#isYoung) await new Promise((resolve) => setTimeout(resolve, PAUSE))
      else this.#seen = { epoch: BigInt(now - age), time: now }
    } while (this.#isYoung)
  }

  /** Nothing new is sent over it; it is closed once nothing is under way. */
  #retire(): void {
    this.#isRetired = true
    if (this.#pending.size === 0 && this.#proving === 0) this.close()
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#isRetired = true
    this.#fail(new Error('the connection was closed'))
    clearInterval(this.#watcher)
    this.#client.close()
    this.#socket?.destroy()
  }

  #silence(ms: number): string {
    if (this.#socket?.connecting === true) return `no connection within ${ms} ms`
    return `no answer within ${ms} ms${this.#proven === Number.NEGATIVE_INFINITY ? UNHEARD : ''}`
  }

  /** memjs keeps its socket to itself: it is reached for where it is known to be. It never tells who waits that it was closed. */
  #listen(): void {
    const server: (MemjsServer & { readonly _socket?: Socket }) | undefined = this.#client.servers[0]
    if (this.#socket !== undefined || server?._socket === undefined) return
    this.#socket = server._socket
    this.#socket.once('close', () => this.#fail(new Error('the server closed the connection')))
    // An idle one keeps no process up.
    this.#socket.unref()
  }

  #fail(error: Error): void {
    this.#end ??= error
    for (const { fail } of [...this.#pending]) fail(error)
  }
}
