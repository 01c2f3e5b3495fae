import type { LockKey, Runtime } from '@locks/core'
import type { Connection } from '../client/connection.ts'
import { look } from '../examine.ts'
import type { Facts } from '../findings.ts'
import { mainKey } from '../keys.ts'
import { listNames } from '../list.ts'
import type { Timed } from '../replies.ts'
import type { Script } from '../script.ts'
import { Server } from '../server.ts'

/** The key of a node's record. It is no lock's: there is always a colon in theirs. */
const RECORD: LockKey = { namespace: '', name: '', id: 'node' }

/** What a script is asked for. */
export interface Question<T> {
  readonly what: Script
  readonly args: readonly string[]
  readonly parse: (reply: unknown) => Timed<T>
  /** For messages: `renewing`. */
  readonly action: string
  /** Milliseconds after which the answer is no longer waited for. */
  readonly timeout: number
}

/** What was seen of a server, and how often its clock was seen to be set. */
export interface NodeFacts {
  readonly facts: Facts
  readonly steps: number
}

/** A server was silent for too long: what was asked may have been done, or may yet be. */
export class NoAnswer extends Error {}

/** One server of a quorum. */
export class Node {
  readonly location: string
  /** Hears that holds at this server may end by so many milliseconds sooner than it answered. */
  onStep: (sooner: number) => void = () => undefined
  readonly #server: Server
  readonly #runtime: Runtime
  readonly #record: string

  constructor(connection: Connection, prefix: string, runtime: Runtime) {
    this.location = connection.location
    this.#runtime = runtime
    this.#record = mainKey(prefix, RECORD)
    this.#server = new Server(connection, prefix, runtime, (sooner) => this.onStep(sooner))
  }

  /** One script on one lock, or on the node's record alone. Rejects when it takes too long: what it did is unknown then. */
  async ask<T>(key: LockKey | undefined, { what, args, parse, action, timeout }: Question<T>): Promise<T> {
    const more = key === undefined ? [] : [this.#record]
    const { reply } = await this.#within(timeout, this.#server.ask(key ?? RECORD, action, what, args, parse, more))
    return reply
  }

  /** What the server's clock shows in `timeout` milliseconds at the latest: then nobody waits any more. */
  async notAfter(key: LockKey, timeout: number): Promise<string> {
    const known = this.#server.latest(key, timeout)
    if (known !== undefined) return known
    await this.#within(timeout, this.#server.readClock(key))
    return await this.notAfter(key, timeout)
  }

  /** Names that are in use here. */
  list(namespace: string, prefix: string, timeout: number): Promise<readonly string[]> {
    const { connection, prefix: own } = this.#server
    return this.#within(timeout, this.#server.track(listNames(connection, own, namespace, prefix)))
  }

  /** What is to be seen of the server; each request to it may take `timeout` milliseconds. */
  async look(timeout: number): Promise<NodeFacts> {
    const { connection, prefix, runtime, steps } = this.#server
    const [seen] = await this.#server.track(look(connection, { prefix, timeout, runtime, messages: false }))
    if (seen === undefined) throw new Error(`redis ${this.location} is no master`)
    return { facts: seen.facts, steps }
  }

  /** From now on its clock is watched, for as long as `token` holds. */
  holds(token: string, key: LockKey, ttl: number): void {
    this.#server.holds(token, key, ttl)
  }

  over(token: string): void {
    this.#server.over(token)
  }

  /** Waits for what is under way, `timeout` milliseconds at most. */
  close(timeout: number): Promise<void> {
    return this.#server.close(timeout)
  }

  #within<T>(timeout: number, work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = (): void => reject(new NoAnswer(`${this.location} did not answer within ${Math.ceil(timeout)} ms`))
      const timer = this.#runtime.setTimer(timeout, late, true)
      work.then(resolve, reject).finally(() => timer.cancel())
    })
  }
}
