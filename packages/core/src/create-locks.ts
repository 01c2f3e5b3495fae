import { configuration, forgetBackend, resolveBackend } from './config.ts'
import { elect } from './elect.ts'
import type { Election, ElectOptions } from './election.ts'
import { Engine } from './engine.ts'
import { LockUnsupportedError } from './errors.ts'
import { checkNamespace } from './key.ts'
import type { Lease } from './lease.ts'
import { Lock } from './lock.ts'
import {
  type AcquireOptions,
  checkElectOptions,
  checkLockOptions,
  defined,
  type LockOptions,
  settle,
} from './options.ts'
import { ReadWriteLock } from './read-write-lock.ts'
import { ReentrantLock } from './reentrant-lock.ts'
import { Semaphore } from './semaphore.ts'

/** Many locks with the same options over one backend. Each method's own options beat the common ones. */
export interface Locks extends AsyncDisposable {
  lock(name: string, options?: LockOptions): Lock
  /** `lock(name).using(body)`. */
  using<T>(name: string, body: (lease: Lease) => T | PromiseLike<T>, options?: AcquireOptions): Promise<T>
  readWriteLock(name: string, options?: LockOptions): ReadWriteLock
  semaphore(name: string, permits: number, options?: LockOptions): Semaphore
  reentrantLock(name: string, options?: LockOptions): ReentrantLock
  elect(name: string, options: ElectOptions): Election
  /**
   * Names in the namespace that start with `prefix` and are held or waited for, sorted. LockUnsupportedError where the
   * backend can't list.
   */
  list(prefix?: string): Promise<readonly string[]>
  /**
   * Closes the backend: waiting acquires reject, elections stop, leases still held are declared lost and released, clean-up under way is
   * awaited (at most 5 s). Connections that the backend opened are closed; a client that you gave it stays open.
   */
  close(): Promise<void>
}

/** Throws TypeError or RangeError for a bad option. The backend is resolved at first use. */
export function createLocks(options: LockOptions = {}): Locks {
  checkLockOptions(options)
  const merged = (own: LockOptions = {}): LockOptions => ({ ...options, ...defined(own) })
  const backend = (): Engine['backend'] => resolveBackend(options.backend ?? configuration().options.backend)
  const lock = (name: string, own?: LockOptions): Lock => new Lock(name, merged(own))
  const close = async (): Promise<void> => {
    const closing = backend()
    await Engine.of(closing).close()
    forgetBackend(closing)
  }
  return {
    lock,
    async using(name, body, own) {
      return lock(name).using(body, own)
    },
    readWriteLock: (name, own) => new ReadWriteLock(name, merged(own)),
    semaphore: (name, permits, own) => new Semaphore(name, permits, merged(own)),
    reentrantLock: (name, own) => new ReentrantLock(name, merged(own)),
    elect(name, own) {
      checkElectOptions(own)
      const { timeout: _, ...common } = options
      return elect(name, { ...common, ...defined(own) })
    },
    async list(prefix = '') {
      if (typeof prefix !== 'string') throw new TypeError(`prefix is ${String(prefix)}: it must be a string`)
      const configured = configuration().options
      const namespace = checkNamespace(options.namespace ?? configured.namespace ?? '')
      const engine = Engine.of(backend())
      const { name, location, capabilities } = engine.backend
      if (!capabilities.list) throw new LockUnsupportedError(`${name} ${location} cannot list its locks`)
      return engine.ask(undefined, 'listing', settle(options, configured).requestTimeout, (timeout) =>
        engine.backend.list({ namespace, prefix, timeout }),
      )
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
