import type { Duplex, EtcdClient, KeepAliveAnswer } from './client.ts'
import { isTokenRefused } from './failure.ts'
import type { Members } from './members.ts'

type Stream = Duplex<{ ID: string }, KeepAliveAnswer>
type Waiting = PromiseWithResolvers<number>

/** A connection's stream of keep-alives. It is open only while an answer is due, since it would keep the process up. */
class Line {
  readonly #stream: Stream
  readonly #waiting = new Map<string, Waiting[]>()
  readonly #over: () => void

  constructor(stream: Stream, over: () => void) {
    this.#stream = stream
    this.#over = over
    stream.on('data', ({ ID, TTL }) => {
      for (const { resolve } of this.#waiting.get(ID) ?? []) resolve(Number(TTL))
      this.#waiting.delete(ID)
      if (this.#waiting.size > 0) return
      over()
      stream.end()
    })
    stream.on('error', (error) => this.fail(error))
    stream.on('end', () => this.fail(new Error('the stream ended')))
  }

  send(ID: string): Waiting {
    const waiting: Waiting = Promise.withResolvers()
    const others = this.#waiting.get(ID)
    this.#waiting.set(ID, [...(others ?? []), waiting])
    if (others === undefined) this.#stream.write({ ID })
    return waiting
  }

  /** One of those who wait has waited long enough. Others have more patience. */
  giveUp(ID: string, waiting: Waiting, error: Error): void {
    const others = (this.#waiting.get(ID) ?? []).filter((one) => one !== waiting)
    if (this.#waiting.size <= 1 && others.length === 0) {
      this.fail(error)
      return
    }
    this.#over()
    waiting.reject(error)
    if (others.length > 0) this.#waiting.set(ID, others)
    else this.#waiting.delete(ID)
  }

  fail(error: Error): void {
    this.#over()
    for (const { reject } of [...this.#waiting.values()].flat()) reject(error)
    if (this.#waiting.size === 0) return
    this.#waiting.clear()
    // Cancelled without having ended, it counts as a failure of the connection: etcd3 makes it anew.
    this.#stream.cancel()
  }
}

/** Tells the server that leases are still needed. */
export class KeepAlives {
  readonly #members: Members
  /** A key that may be read. */
  readonly #key: Buffer
  readonly #lines = new Map<EtcdClient, Promise<Line>>()

  constructor(members: Members, key: Buffer) {
    this.#members = members
    this.#key = key
  }

  /** Seconds that the lease has from now; 0: there is none any more. */
  async keep(id: string, timeout: number): Promise<number> {
    const { answer } = await this.#members.ask(
      undefined,
      'keeping a lease alive',
      timeout,
      async (client, options, patience) => {
        try {
          return await this.#keep(client, id, patience)
        } catch (error) {
          if (!isTokenRefused(error)) throw error
          // A stream has no way to a fresh token, other requests have.
          await client.kv.range({ key: this.#key, keys_only: true }, options)
          return this.#keep(client, id, patience)
        }
      },
    )
    return answer
  }

  async #keep(client: EtcdClient, id: string, patience: number): Promise<number> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    let giveUp: ((error: Error) => void) | undefined
    const timer = this.#members.runtime.setTimer(
      patience,
      () => {
        const error = new Error(`no answer within ${Math.round(patience)} ms`)
        reject(error)
        giveUp?.(error)
        if (giveUp === undefined) this.#lines.delete(client)
      },
      false,
    )
    try {
      const opened = this.#line(client).then((line) => {
        const waiting = line.send(id)
        giveUp = (error) => line.giveUp(id, waiting, error)
        return waiting.promise
      })
      return await Promise.race([opened, late])
    } finally {
      timer.cancel()
    }
  }

  #line(client: EtcdClient): Promise<Line> {
    const known = this.#lines.get(client)
    if (known !== undefined) return known
    const over = (): void => {
      if (this.#lines.get(client) === line) this.#lines.delete(client)
    }
    const line = (client.leaseClient.leaseKeepAlive() as Promise<Stream>).then((stream) => new Line(stream, over))
    line.catch(over)
    this.#lines.set(client, line)
    return line
  }
}
