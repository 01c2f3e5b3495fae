import { elapsed, LockBackendError, type LockKey, type Runtime } from '@locks/core'
import type { EtcdClient, Transaction, TransactionAnswer } from './client.ts'
import { failure, isPassing } from './failure.ts'

const CLOSE_TIMEOUT = 5_000
/**
 * A request that isn't answered is sent once more after this part of its time, but not before: with several members to the
 * next one, else over another connection.
 */
const PATIENCE = { several: 1 / 3, single: 1 / 2 }
const LEAST_PATIENCE = 250
/** gRPC takes no deadline that is very far away. */
const LONGEST = 3_600_000
/** So much later than core does gRPC give up, in milliseconds: core's words are better. */
const GRACE = 50
/** Between two attempts at members that fail outright, in milliseconds. */
const PAUSE = 50
const LONGEST_PAUSE = 250

/** What the members need to be asked. */
export interface Connections {
  /** For messages: `host:port`, with commas between several. No secrets. */
  readonly location: string
  /** One for each member, or one of the user's that knows them all. Loads the client library if need be. */
  open(): Promise<readonly EtcdClient[]>
  /** Whether they are ours to close. */
  readonly own: boolean
}

/** An answer, and whether an earlier attempt at the same may have been carried out as well. */
export interface Answered<T> {
  readonly answer: T
  readonly repeated: boolean
}

type Call<T> = (client: EtcdClient, options: { readonly deadline: number }, patience: number) => Promise<T>

/** The members of a cluster, of which one is asked as long as it answers. Every request has a deadline. */
export class Members {
  readonly location: string
  readonly runtime: Runtime
  readonly #connections: Connections
  #clients: Promise<readonly EtcdClient[]> | undefined
  #current = 0
  #underWay = 0
  #idle: (() => void) | undefined
  #closed: Promise<void> | undefined

  constructor(connections: Connections, runtime: Runtime) {
    this.#connections = connections
    this.location = connections.location
    this.runtime = runtime
  }

  /** What a member is called in messages. */
  nameOf(at: number): string {
    return this.location.split(',')[at] ?? this.location
  }

  get closed(): boolean {
    return this.#closed !== undefined
  }

  /** One transaction. Whatever it does must bear being repeated. */
  txn(key: LockKey, action: string, timeout: number, request: Transaction): Promise<Answered<TransactionAnswer>> {
    return this.ask(
      key,
      action,
      timeout,
      (client, options) => client.kv.txn(request, options) as Promise<TransactionAnswer>,
    )
  }

  /**
   * Asks a member, and others if it fails or is silent, for `timeout` milliseconds in all. Rejects with what core takes for
   * unknown, or as final where repeating would not help.
   */
  async ask<T>(key: LockKey | undefined, action: string, timeout: number, call: Call<T>): Promise<Answered<T>> {
    if (this.closed) throw new LockBackendError(`etcd ${this.location} has been closed`, { key })
    this.#underWay += 1
    try {
      return await this.#ask(timeout, call)
    } catch (error) {
      throw failure(this.location, key, action, error)
    } finally {
      this.#underWay -= 1
      if (this.#underWay === 0) this.#idle?.()
    }
  }

  /** Cleans up: also while it is being closed. */
  async tell(timeout: number, call: Call<unknown>): Promise<void> {
    await call(await this.client(), { deadline: Date.now() + timeout }, timeout)
  }

  /** The member that is asked at present. */
  async client(): Promise<EtcdClient> {
    const clients = await this.clients()
    return clients[this.#current % clients.length] as EtcdClient
  }

  clients(): Promise<readonly EtcdClient[]> {
    this.#clients ??= this.#connections.open().catch((error) => {
      this.#clients = undefined
      throw error
    })
    return this.#clients
  }

  /** `client` gave no answer: the next one is asked from now on, unless that has been seen to. */
  async avoid(client: EtcdClient): Promise<void> {
    const clients = await this.clients()
    if (clients[this.#current % clients.length] === client) this.#current = (this.#current + 1) % clients.length
  }

  async #ask<T>(timeout: number, call: Call<T>): Promise<Answered<T>> {
    const { length: members } = await this.clients()
    const started = this.runtime.now()
    let pause = PAUSE
    for (let attempt = 0; ; attempt += 1) {
      const rest = timeout - elapsed(this.runtime, started)
      const share = Math.min(rest, Math.max(LEAST_PATIENCE, timeout * PATIENCE[members === 1 ? 'single' : 'several']))
      const patience = Math.min(share, LONGEST)
      const client = await this.client()
      const tried = this.runtime.now()
      try {
        const answer = await call(client, { deadline: Date.now() + Math.ceil(patience) + GRACE }, patience)
        return { answer, repeated: attempt > 0 }
      } catch (error) {
        if (!isPassing(error) || this.closed) throw error
        await this.avoid(client)
        const quick = elapsed(this.runtime, tried) < patience / 2
        // A single server that refuses will do so again; core asks once more.
        if (timeout - elapsed(this.runtime, started) <= pause + PAUSE || (members === 1 && quick)) throw error
        if (quick) {
          await this.#pause(pause)
          pause = Math.min(LONGEST_PAUSE, pause * 2)
        }
      }
    }
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.runtime.setTimer(milliseconds, resolve, true)
    })
  }

  /** Waits for calls under way, but not for a hung one; then `last` is done, and what is ours closed. */
  close(last: () => Promise<void>): Promise<void> {
    this.#closed ??= this.#close(last)
    return this.#closed
  }

  async #close(last: () => Promise<void>): Promise<void> {
    if (this.#underWay > 0)
      await new Promise<void>((resolve) => {
        const timer = this.runtime.setTimer(CLOSE_TIMEOUT, resolve, true)
        this.#idle = () => {
          timer.cancel()
          resolve()
        }
      })
    await last().catch(() => undefined)
    if (!this.#connections.own || this.#clients === undefined) return
    for (const client of await this.#clients) client.close?.()
  }
}
