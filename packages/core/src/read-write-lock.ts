import type { Use } from './demand.ts'
import { Lock } from './lock.ts'
import type { LockOptions } from './options.ts'

const SHARED: Use = { mode: 'shared', permits: 1 }

class SharedLock extends Lock {
  protected override get use(): Use {
    return SHARED
  }
}

/**
 * Two faces of one lock: any number of readers, or one writer. `write` is the same lock as `new Lock(name)`. Where the
 * backend queues, both wait in one queue: a writer isn't starved by readers, and readers who wait in a row enter together.
 */
export class ReadWriteLock {
  readonly name: string
  /** The shared mode. */
  readonly read: Lock
  /** The exclusive mode. */
  readonly write: Lock

  /** @throws TypeError or RangeError for a bad name or option. */
  constructor(name: string, options: LockOptions = {}) {
    this.name = name
    this.read = new SharedLock(name, options)
    this.write = new Lock(name, options)
  }
}
