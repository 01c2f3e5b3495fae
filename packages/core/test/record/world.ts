import { type AcquireRequest, type LockBackend, lockKey, recordBackend } from '../../src/index.ts'
import { MemoryStore } from '../../src/memory-backend.ts'
import type { RecordRead, RecordStore, RecordWrite } from '../../src/record/store.ts'
import { VirtualTime } from '../virtual-time.ts'
import { request as requestOf } from './clock.ts'

export type Store = RecordStore<number>

export const key: ReturnType<typeof lockKey> = lockKey('', 'x')
export const timeout = 1_000
export const request = (who: string, change: Partial<AcquireRequest> = {}): AcquireRequest =>
  requestOf(who, { key, wait: null, ...change })
export const waits = (wake: () => void = () => undefined): Pick<AcquireRequest, 'wait'> => ({
  wait: { queue: true, retryInterval: undefined, wake },
})
export const outcomeOf = async (backend: LockBackend, who: string, change: Partial<AcquireRequest> = {}) =>
  (await backend.acquire(request(who, change))).outcome

/** A store without a clock, in virtual time, and what is seen of its use. */
export class World {
  readonly time: VirtualTime = new VirtualTime()
  readonly memory: MemoryStore = new MemoryStore(this.time)
  /** What a reading tells beside the record. */
  beside: Partial<Pick<RecordRead<number>, 'unchanged' | 'outsider'>> = {}
  readonly written: RecordWrite[] = []
  readings = 0

  /** A client of its own. */
  client(parts: Partial<Store> = {}): LockBackend {
    const { memory } = this
    const { ttl, guarantee, names } = memory
    const store: Store = {
      ...{ name: 'rich', location: 'here', clock: null, presence: null, queue: 'fifo', pollInterval: 1_000 },
      ...{ ttl, guarantee, names, idleRecords: 'keep' },
      watch: memory.watch,
      read: async (place) => {
        this.readings += 1
        return { ...(await memory.read(place)), ...this.beside }
      },
      write: (place, version, record) => {
        this.written.push(record)
        return memory.write(place, version, record)
      },
      remove: (place, version, fence) => memory.remove(place, version, fence),
      sweep: () => Promise.resolve(),
      close: () => Promise.resolve(),
      ...parts,
    }
    return recordBackend(store, { runtime: this.time })
  }
}
