import type { Guarantee, LockKey, RecordRead, RecordStore, RecordWrite, StoreClock } from '@locks/core'
import { StoreDirectory } from './directory.ts'
import { list, unlinked } from './disk.ts'
import { failure } from './failure.ts'
import { readFloor } from './floor.ts'
import { guarantee } from './guarantee.ts'
import { hostClock } from './host.ts'
import { Housekeeping } from './housekeeping.ts'
import { readRecord, replaceRecord } from './key-directory.ts'
import { directoryName } from './key-names.ts'
import { createRecord, removeRecord } from './lifecycle.ts'
import { namesIn } from './names.ts'
import { type Pointer, pointerAfter } from './pointer.ts'
import { hostPresence, type ProcessPresence } from './presence.ts'
import { Watchers } from './watchers.ts'

const YEAR = 365 * 86_400_000
const CLOSE_TIMEOUT = 1_000

/** Which state of a lock a record was read in. That there is none is also a state, with the floor it was seen at. */
export type FileVersion = { readonly pointer: Pointer } | { readonly pointer: null; readonly floor: bigint }

/**
 * Records as file names: each lock is a directory with one file, its pointer, whose name is the record's version and text.
 * A change is one rename(2) from the name that was read to the next one; if the old name is gone, somebody else was first.
 */
export class FileStore implements RecordStore<FileVersion> {
  readonly name: string = 'file'
  readonly location: string
  readonly clock: StoreClock | null = hostClock()
  readonly presence: ProcessPresence | null = hostPresence(() => this.#directory.singleKernel)
  readonly ttl: RecordStore<FileVersion>['ttl'] = { min: 20, max: 10 * YEAR, infinite: true }
  readonly queue: 'fifo' = 'fifo'
  readonly pollInterval: number = 50
  readonly idleRecords: 'keep' = 'keep'
  readonly guarantee: Guarantee
  readonly watch: RecordStore<FileVersion>['watch']
  readonly #directory: StoreDirectory
  readonly #watchers = new Watchers()
  readonly #housekeeping: Housekeeping

  constructor(path: string, networkFileSystem: boolean) {
    this.location = path
    this.guarantee = guarantee(networkFileSystem, this.clock !== null)
    this.#directory = new StoreDirectory(path, networkFileSystem)
    this.#housekeeping = new Housekeeping(this.#directory)
    // The kernel of one host hears nothing of what another one does.
    this.watch = networkFileSystem ? null : (key, changed) => this.#watchers.watch(this.#pathOf(key), changed)
  }

  async read(key: LockKey): Promise<RecordRead<FileVersion>> {
    try {
      if (!this.#directory.trusted) await this.#directory.check()
      const current = await readRecord(this.#pathOf(key))
      // After a power failure the record may be an earlier one than was acknowledged: the clock carries the tokens on.
      const clock = BigInt(Date.now()) * 1_000n
      if (current !== null) return { version: { pointer: current.pointer }, value: current.value, floor: clock }
      const floor = await readFloor(this.#directory.floor)
      return { version: { pointer: null, floor }, value: null, floor: floor > clock ? floor : clock }
    } catch (error) {
      throw failure(this.location, key, 'read its record', error)
    }
  }

  async write(key: LockKey, version: FileVersion | null, record: RecordWrite): Promise<FileVersion | null> {
    try {
      if (!this.#directory.trusted) await this.#directory.prepare()
      const directory = this.#pathOf(key)
      if (version?.pointer) {
        const from = version.pointer
        if (this.#watchers.isPast(directory, from)) return null
        const pointer = pointerAfter(from, record)
        this.#watchers.writing(directory, from, pointer)
        return (await replaceRecord(directory, from, pointer, record.value)) ? { pointer } : null
      }
      const pointer = await createRecord(this.#directory, directoryName(key), key, record, version?.floor)
      if (pointer === null) return null
      this.#watchers.made(directory, pointer)
      return { pointer }
    } catch (error) {
      throw failure(this.location, key, 'change its record', error)
    }
  }

  async remove(key: LockKey, version: FileVersion, fence: bigint): Promise<boolean> {
    if (version.pointer === null) return false
    try {
      return await removeRecord(this.#directory, directoryName(key), version.pointer, fence)
    } catch (error) {
      throw failure(this.location, key, 'remove its record', error)
    }
  }

  readonly names = async (namespace: string, prefix: string): Promise<readonly string[]> => {
    try {
      if (!this.#directory.trusted) await this.#directory.check()
      return await namesIn(this.location, (await list(this.location)) ?? [], namespace, prefix)
    } catch (error) {
      throw failure(this.location, undefined, 'list its locks', error)
    }
  }

  sweep(prune: (key: LockKey) => Promise<boolean>): Promise<void> {
    return this.#housekeeping.sweep(prune)
  }

  close(): Promise<void> {
    this.#watchers.close()
    return unlinked(CLOSE_TIMEOUT)
  }

  #pathOf(key: LockKey): string {
    return `${this.location}/${directoryName(key)}`
  }
}
