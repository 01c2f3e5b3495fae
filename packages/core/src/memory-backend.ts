import type { LockBackend } from './backend.ts'
import { type LockKey, lockKey } from './key.ts'
import { recordBackend } from './record/record-backend.ts'
import type { RecordRead, RecordStore, RecordWrite } from './record/store.ts'
import { type Runtime, systemRuntime } from './runtime.ts'

interface MemoryRecord {
  readonly version: number
  readonly value: string
}

/** Absences told apart; keys that share one only cost each other a repeated step. */
const ABSENCES = 1_024

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  return value >>> 0
}

let stores = 0

/** Records in a map of this process. */
export class MemoryStore implements RecordStore<number> {
  readonly name: string = 'memory'
  readonly location: string
  readonly clock: RecordStore<number>['clock']
  readonly presence: null = null
  readonly ttl: RecordStore<number>['ttl'] = { min: 10, max: 10 * 365 * 86_400_000, infinite: true }
  readonly queue: 'fifo' = 'fifo'
  readonly pollInterval: number = 1_000
  readonly idleRecords: 'remove' = 'remove'
  readonly guarantee: RecordStore<number>['guarantee'] = {
    scope: 'process',
    expiry: 'shared clock',
    deadHolder: 'after its ttl',
    lateRequests: 'refused',
    exclusionAcross: { restart: 'n/a', failover: 'n/a', dataLoss: 'n/a', clockStep: true },
    fencingAcross: { restart: false, dataLoss: 'n/a' },
    caveat: 'Holds between the tasks of one process that share the backend object; tokens start anew with the process.',
  }
  readonly #records = new Map<string, MemoryRecord>()
  readonly #watchers = new Map<string, Set<() => void>>()
  #version = 0
  /** Removals by a hash of the key: the (negative) version of an absence, so that it never comes back. */
  readonly #removals = new Uint32Array(ABSENCES)
  #floor = 0n

  constructor(runtime: Runtime) {
    stores += 1
    this.location = `#${stores}`
    this.clock = { id: 'm', now: () => runtime.now().mono, grain: 1 }
  }

  read(key: LockKey): Promise<RecordRead<number>> {
    const record = this.#records.get(key.id)
    if (record === undefined) return Promise.resolve({ version: this.#absence(key), value: null, floor: this.#floor })
    return Promise.resolve({ version: record.version, value: record.value, floor: 0n })
  }

  write(key: LockKey, version: number, record: RecordWrite): Promise<number | null> {
    if ((this.#records.get(key.id)?.version ?? this.#absence(key)) !== version) return Promise.resolve(null)
    this.#version += 1
    this.#records.set(key.id, { version: this.#version, value: record.value })
    this.#changed(key)
    return Promise.resolve(this.#version)
  }

  remove(key: LockKey, version: number, fence: bigint): Promise<boolean> {
    if (this.#records.get(key.id)?.version !== version) return Promise.resolve(false)
    if (fence > this.#floor) this.#floor = fence
    this.#records.delete(key.id)
    const slot = hash(key.id) % ABSENCES
    this.#removals[slot] = (this.#removals[slot] ?? 0) + 1
    this.#changed(key)
    return Promise.resolve(true)
  }

  readonly watch = (key: LockKey, changed: () => void): (() => void) => {
    const watchers = this.#watchers.get(key.id) ?? new Set()
    this.#watchers.set(key.id, watchers.add(changed))
    return () => {
      watchers.delete(changed)
      if (watchers.size === 0 && this.#watchers.get(key.id) === watchers) this.#watchers.delete(key.id)
    }
  }

  readonly names = (namespace: string, prefix: string): Promise<readonly string[]> => {
    const start = `${namespace}:`
    const names = [...this.#records.keys()].filter((id) => id.startsWith(start)).map((id) => id.slice(start.length))
    return Promise.resolve(names.filter((name) => name.startsWith(prefix)))
  }

  /** Holds that were never released, only left to expire. */
  async sweep(prune: (key: LockKey) => Promise<boolean>): Promise<void> {
    for (const id of [...this.#records.keys()]) {
      const colon = id.indexOf(':')
      await prune(lockKey(id.slice(0, colon), id.slice(colon + 1)))
    }
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  #absence(key: LockKey): number {
    return -1 - (this.#removals[hash(key.id) % ABSENCES] ?? 0)
  }

  #changed(key: LockKey): void {
    for (const changed of this.#watchers.get(key.id) ?? []) changed()
  }
}

/**
 * Locks between the tasks of one process: for tests, and for programs that may grow into several processes later. Each
 * call makes locks of its own; share the object to share the locks. Nothing outlives the process.
 */
export function memoryBackend(): LockBackend {
  return recordBackend(new MemoryStore(systemRuntime))
}
