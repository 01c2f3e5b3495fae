import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { type LockBackend, type RecordStore, recordBackend } from '@locks/core'
import type { ConformanceFaults } from '@locks/core/conformance'

/**
 * A network between clients and their record stores in which requests hang, get lost, come late or are cut off, on demand.
 * It suits any store, also one without a network: a process that is stopped in the middle of a step, and goes on, sends
 * late requests as well.
 */
export class RoughNetwork<Version> implements ConformanceFaults {
  readonly #open: () => RecordStore<Version>
  readonly #stores = new Set<RecordStore<Version>>()
  readonly #isolated = new Set<LockBackend>()
  #paused = false
  #losing = false
  #delay = { least: 0, most: 0 }
  #resumed = Promise.withResolvers<void>()
  #cut = Promise.withResolvers<never>()

  /** `open` makes a store that shares with the others only what is stored. */
  constructor(open: () => RecordStore<Version>) {
    this.#open = open
  }

  /** A client whose requests go through this network. */
  connect(): LockBackend {
    const store = this.#open()
    const { names } = store
    this.#stores.add(store)

    const pass = async (): Promise<void> => {
      await turn()
      while (this.#paused || this.#isolated.has(client)) await this.#resumed.promise
    }
    const send = async <T>(kind: 'read' | 'change', timeout: number, carryOut: () => Promise<T>): Promise<T> => {
      const { least, most } = this.#delay
      if (most > 0) await sleep(least + Math.random() * (most - least))
      await pass()
      const answer = await carryOut()
      if (kind === 'change' && this.#losing) {
        await sleep(timeout)
        throw new Error(`no answer within ${timeout} ms`)
      }
      await pass()
      return answer
    }
    const request = <T>(...args: Parameters<typeof send<T>>): Promise<T> =>
      Promise.race([send(...args), this.#cut.promise])

    const client = recordBackend<Version>({
      ...store,
      read: (key, timeout) => request('read', timeout, () => store.read(key, timeout)),
      write: (key, version, record, timeout) =>
        request('change', timeout, () => store.write(key, version, record, timeout)),
      remove: (key, version, fence, timeout) =>
        request('change', timeout, () => store.remove(key, version, fence, timeout)),
      names:
        names && ((namespace, prefix, timeout) => request('read', timeout, () => names(namespace, prefix, timeout))),
      sweep: (prune) => store.sweep(prune),
      close: () => {
        this.#stores.delete(store)
        return store.close()
      },
    })
    return client
  }

  pause(): void {
    this.#paused = true
  }

  isolate(client: LockBackend): void {
    this.#isolated.add(client)
  }

  loseReplies(): void {
    this.#losing = true
  }

  delayRequests(least: number, most: number): void {
    this.#delay = { least, most }
  }

  resume(): void {
    this.#paused = false
    this.#isolated.clear()
    this.#losing = false
    this.#delay = { least: 0, most: 0 }
    this.#resumed.resolve()
    this.#resumed = Promise.withResolvers()
  }

  /** Who waits for an answer hears that there will be none; what was sent goes on its way. */
  disconnect(): void {
    this.#cut.promise.catch(() => undefined)
    this.#cut.reject(new Error('the connection was cut'))
    this.#cut = Promise.withResolvers()
  }

  /** Closes all stores before the first of them is opened again: what only their memory knew is gone. */
  async restart(): Promise<void> {
    for (const store of this.#stores) await store.close()
  }
}
