import {
  type LockBackend,
  type LockKey,
  type RecordRead,
  type RecordStore,
  type RecordWrite,
  type Runtime,
  recordBackend,
  systemRuntime,
} from '../src/index.ts'
import { MemoryStore } from '../src/memory-backend.ts'
import type { Link, Transport } from './network.ts'

/** How a store differs from the plain one. */
export interface StoreTraits {
  /** `local`: a clock of the host; `remote`: the server's, asked for over the network; `none`: expiry by observation. */
  readonly clock: 'local' | 'remote' | 'none'
  readonly watch: boolean
  readonly queue: 'fifo' | 'none'
  readonly idleRecords: 'keep' | 'remove'
}

/** A clock that a store reads, and the largest error of a reading, in milliseconds. */
export interface Reading {
  readonly grain: number
  now(): number
}

/** The server's clock differs from everybody else's. */
const SKEW = 3_000_000
const CLOCK_TIMEOUT = 1_000

const systemClock: Reading = { grain: 1, now: () => performance.now() }

/** One client's view of a memory store that lies behind a network. */
export class FaultyStore implements RecordStore<number> {
  readonly name: string
  readonly location: string
  readonly clock: RecordStore<number>['clock']
  readonly presence: null = null
  readonly ttl: RecordStore<number>['ttl']
  readonly queue: 'fifo' | 'none'
  readonly pollInterval: number
  readonly idleRecords: 'keep' | 'remove'
  readonly guarantee: RecordStore<number>['guarantee']
  readonly watch: RecordStore<number>['watch']
  readonly names: RecordStore<number>['names']
  readonly link: Link
  readonly #memory: MemoryStore
  readonly #network: Transport
  readonly #watched = new Set<() => void>()

  /** A client with this runtime; `clock` is the host's or the server's, whichever the traits name. */
  constructor(
    memory: MemoryStore,
    network: Transport,
    traits: StoreTraits,
    runtime: Runtime = systemRuntime,
    clock: Reading = systemClock,
  ) {
    this.#memory = memory
    this.#network = network
    this.name = memory.name
    this.location = memory.location
    this.ttl = memory.ttl
    this.queue = traits.queue
    this.pollInterval = memory.pollInterval
    this.idleRecords = traits.idleRecords
    this.guarantee = { ...memory.guarantee, expiry: traits.clock === 'none' ? 'observation' : 'shared clock' }
    this.link = {
      client: undefined,
      runtime,
      reconnected: () => {
        for (const changed of this.#watched) changed()
      },
    }
    this.clock = this.#clock(traits.clock, clock)
    this.watch = traits.watch ? (key, changed) => this.#watch(key, changed) : null
    this.names = (namespace, prefix, timeout) => this.#read(timeout, () => memory.names(namespace, prefix))
    network.open(this.link)
  }

  /** Subscriptions to changes that have not been ended. */
  get watching(): number {
    return this.#watched.size
  }

  read(key: LockKey, timeout: number): Promise<RecordRead<number>> {
    return this.#read(timeout, () => this.#memory.read(key))
  }

  write(key: LockKey, version: number, record: RecordWrite, timeout: number): Promise<number | null> {
    return this.#change(timeout, () => this.#memory.write(key, version, record))
  }

  remove(key: LockKey, version: number, fence: bigint, timeout: number): Promise<boolean> {
    return this.#change(timeout, () => this.#memory.remove(key, version, fence))
  }

  sweep(prune: (key: LockKey) => Promise<boolean>): Promise<void> {
    return this.#memory.sweep(prune)
  }

  close(): Promise<void> {
    this.#network.close(this.link)
    return Promise.resolve()
  }

  #clock(kind: StoreTraits['clock'], clock: Reading): RecordStore<number>['clock'] {
    if (kind === 'none') return null
    const { grain } = clock
    if (kind === 'local') return { id: 'm', grain, now: () => clock.now() }
    return { id: 'r', grain: grain + 1, now: () => this.#read(CLOCK_TIMEOUT, () => clock.now() + SKEW) }
  }

  #watch(key: LockKey, changed: () => void): () => void {
    this.#watched.add(changed)
    const stop = this.#memory.watch(key, () => this.#network.push(this.link, changed))
    return () => {
      this.#watched.delete(changed)
      stop()
    }
  }

  #read<T>(timeout: number, action: () => T | Promise<T>): Promise<T> {
    return this.#network.request(this.link, 'read', timeout, action)
  }

  #change<T>(timeout: number, action: () => Promise<T>): Promise<T> {
    return this.#network.request(this.link, 'change', timeout, action)
  }
}

/** A store behind a network: each call makes a client of it. */
export function faultyClients(network: Transport, traits: Partial<StoreTraits> = {}): () => LockBackend {
  const memory = new MemoryStore(systemRuntime)
  return () => {
    const store = new FaultyStore(memory, network, {
      clock: 'local',
      watch: true,
      queue: 'fifo',
      idleRecords: 'remove',
      ...traits,
    })
    const backend = recordBackend(store)
    store.link.client = backend
    return backend
  }
}
