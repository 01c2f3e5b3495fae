import { type LockBackend, type LockKey, type RecordStore, recordBackend } from '../index.ts'
import type { ConformanceFaults } from './target.ts'
import { later, sleep, turns } from './time.ts'

const CLOCK_TIMEOUT = 1_000

/** A client's way to its store. */
interface Line<Version> {
  store: RecordStore<Version>
  /** Who listens for changes, and how that is ended in the present store. */
  readonly watching: Map<() => void, { readonly key: LockKey; stop: () => void }>
}

/**
 * Trouble for record stores, without a server that would have to suffer it: a network between `recordBackend` and the
 * stores of its clients, in which requests hang, get lost, come late and are cut off, on demand. It suits stores that have
 * no network, too: a process that is stopped in the middle of a step, and goes on, sends late requests as well.
 *
 *     const network = new RoughNetwork(() => myStore('there'))
 *     const target = { name, capabilities, connect: () => network.connect(), faults: network.faults }
 *
 * What a client library does when its connection breaks, it cannot show: for that, trouble has to be made beneath it.
 */
export class RoughNetwork<Version> {
  /** For a target: all kinds but `restart`. */
  readonly faults: Required<Omit<ConformanceFaults, 'restart'>>
  readonly #open: () => RecordStore<Version>
  readonly #lines = new Set<Line<Version>>()
  readonly #isolated = new Set<LockBackend>()
  #paused = false
  #losing = false
  #delay = { least: 0, most: 0 }
  #resumed = Promise.withResolvers<void>()
  #cut = Promise.withResolvers<never>()

  /** `open` makes a store that shares with the others only what is stored. */
  constructor(open: () => RecordStore<Version>) {
    this.#open = open
    this.#cut.promise.catch(() => undefined)
    this.faults = {
      pause: () => {
        this.#paused = true
      },
      loseReplies: () => {
        this.#losing = true
      },
      delayRequests: (least, most) => {
        this.#delay = { least, most }
      },
      isolate: (client) => void this.#isolated.add(client),
      resume: () => this.#resume(),
      disconnect: () => this.#disconnect(),
    }
  }

  /** A client whose requests go through this network. */
  connect(): LockBackend {
    const line: Line<Version> = { store: this.#open(), watching: new Map() }
    this.#lines.add(line)
    const { name, location, clock, presence, ttl, queue, pollInterval, idleRecords, guarantee, watch, names } =
      line.store
    const isHeard = (): boolean => !this.#paused && !this.#losing && !this.#isolated.has(client)
    const pass = async (): Promise<void> => {
      await turns(1)
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
    const ask = ({ clock: current }: RecordStore<Version>): number | Promise<number> => {
      const reading = current?.now() ?? 0
      if (typeof reading === 'number') return reading
      const asked = later(Promise.resolve(reading))
      return request('read', CLOCK_TIMEOUT, () => asked)
    }
    const client = recordBackend<Version>({
      ...{ name, location, presence, ttl, queue, pollInterval, idleRecords, guarantee },
      clock: clock === null ? null : { id: clock.id, grain: clock.grain, now: () => ask(line.store) },
      read: (key, timeout) => request('read', timeout, () => line.store.read(key, timeout)),
      write: (key, version, record, timeout) =>
        request('change', timeout, () => line.store.write(key, version, record, timeout)),
      remove: (key, version, fence, timeout) =>
        request('change', timeout, () => line.store.remove(key, version, fence, timeout)),
      watch: watch === null ? null : (key, changed) => listen(line, key, () => isHeard() && changed()),
      names:
        names === null
          ? null
          : (namespace, prefix, timeout) =>
              request('read', timeout, async () => (await line.store.names?.(namespace, prefix, timeout)) ?? []),
      sweep: (prune) => line.store.sweep(prune),
      close: () => {
        this.#lines.delete(line)
        return line.store.close()
      },
    })
    return client
  }

  /**
   * Closes all stores, then opens others in their place. For a storage that lives in its clients, as an embedded database
   * does, that is what a restart is: `faults: { ...network.faults, restart: () => network.reopen() }`.
   */
  async reopen(): Promise<void> {
    for (const { store } of this.#lines) await store.close()
    for (const line of this.#lines) {
      line.store = this.#open()
      for (const [changed, watched] of line.watching) {
        watched.stop()
        watched.stop = line.store.watch?.(watched.key, changed) ?? (() => undefined)
        changed()
      }
    }
  }

  #resume(): void {
    this.#paused = false
    this.#isolated.clear()
    this.#losing = false
    this.#delay = { least: 0, most: 0 }
    this.#resumed.resolve()
    this.#resumed = Promise.withResolvers()
  }

  /** Who waits for an answer hears that there will be none; what was sent goes on its way. */
  #disconnect(): void {
    this.#cut.reject(new Error('the connection was cut'))
    this.#cut = Promise.withResolvers()
    this.#cut.promise.catch(() => undefined)
  }
}

function listen<Version>(line: Line<Version>, key: LockKey, changed: () => void): () => void {
  const watched = { key, stop: line.store.watch?.(key, changed) ?? (() => undefined) }
  line.watching.set(changed, watched)
  return () => {
    line.watching.delete(changed)
    watched.stop()
  }
}
