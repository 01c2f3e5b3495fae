import { createServer, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { onFreePorts } from '../servers/port.ts'
import type { Address } from '../servers/resp.ts'
import { Connection } from './connection.ts'
import { plainMode } from './proxy-mode.ts'

/** How long a port is waited for, in milliseconds. */
const LISTEN_LIMIT = 5_000

/** A TCP proxy in this process, on a loopback port of its own, that passes everything on until it is told otherwise. */
export function startProxy(target: Address): Promise<FaultyProxy> {
  return onFreePorts(async (port) => {
    const proxy = new FaultyProxy(target, port)
    // Who was faster keeps it: another port is tried.
    await proxy.listen(0)
    return proxy
  })
}

/**
 * The faults add up, and last until `resume`, those that happen once aside. They concern the connections there are and, those
 * that happen once aside, the ones that are made later. It doesn't keep its process alive.
 */
export class FaultyProxy {
  readonly host = '127.0.0.1'
  readonly port: number
  readonly #target: Address
  readonly #mode = plainMode()
  readonly #connections = new Set<Connection>()
  #listener: Server | undefined

  constructor(target: Address, port: number) {
    this.#target = target
    this.port = port
  }

  /** How many connections clients have open. */
  get connections(): number {
    return [...this.#connections].filter((connection) => connection.isOpen).length
  }

  /**
   * Nothing passes in either direction. What clients send meanwhile arrives after `resume`, even if they have closed by then.
   * New connections are accepted, and lead nowhere until `resume`.
   */
  pause(): void {
    this.#mode.isPaused = true
  }

  /**
   * Requests pass, replies vanish. A connection that missed a reply is cut by `resume`: it would take the next one for the
   * one it missed. That the server closed is passed on.
   */
  loseReplies(): void {
    this.#mode.losesReplies = true
  }

  /**
   * What either side sends vanishes, the news that it closed included. Connections that lost something are cut by `resume`.
   * New ones are accepted, and never answered.
   */
  dropBoth(): void {
    this.#mode.losesAll = true
  }

  /**
   * What clients send arrives between `least` and `most` milliseconds later, at random, in its order within a connection:
   * all of it that was read at once as one. What is under way at `resume` still arrives that late. `replies`: so do replies.
   */
  delay(least: number, most: number, { replies = false }: { readonly replies?: boolean } = {}): void {
    this.#mode.requestDelay = { least, most }
    if (replies) this.#mode.replyDelay = { least, most }
  }

  /** Limits each direction of each connection. */
  throttle(bytesPerSecond: number): void {
    this.#mode.bytesPerSecond = bytesPerSecond
  }

  /** Once: the server's sides are closed, and the clients not told. Their connections are cut by `resume`. */
  halfOpen(): void {
    for (const connection of this.#connections) connection.halve()
  }

  /** Once: both sides get an RST. What is under way is lost. */
  reset(): void {
    for (const connection of this.#connections) connection.reset()
  }

  /**
   * Once: the clients' sides are closed; they may connect again at once. What they had sent still arrives, as late as it
   * would have otherwise: perhaps after requests of the next connection.
   */
  cut(): void {
    for (const connection of this.#connections) connection.cut()
  }

  /** New connections are refused. Those there are stay. */
  refuse(): void {
    this.#listener?.close()
    this.#listener = undefined
  }

  /** Ends what the others began. Idempotent. Resolves when new connections are accepted. */
  async resume(): Promise<void> {
    Object.assign(this.#mode, plainMode())
    for (const connection of this.#connections) connection.goOn()
    await this.listen()
  }

  /** Ends everything at once, on both sides. Idempotent. */
  close(): void {
    this.refuse()
    for (const connection of this.#connections) connection.drop()
  }

  /** Idempotent. `limit`: milliseconds for which a port that is in use is waited for. */
  async listen(limit: number = LISTEN_LIMIT): Promise<void> {
    for (const deadline = performance.now() + limit; this.#listener === undefined; ) {
      try {
        this.#listener = await this.#open()
      } catch (error) {
        if (performance.now() > deadline) throw error
        await sleep(20)
      }
    }
  }

  #open(): Promise<Server> {
    const { promise, resolve, reject } = Promise.withResolvers<Server>()
    const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      client.unref()
      const connection = new Connection(client, this.#target, this.#mode, () => this.#connections.delete(connection))
      this.#connections.add(connection)
    })
    listener.unref()
    listener.once('error', reject)
    listener.listen({ host: this.host, port: this.port }, () => resolve(listener))
    return promise
  }
}
