import { AsyncLocalStorage } from 'node:async_hooks'
import { LockLostError } from './errors.ts'
import type { Lease } from './lease.ts'
import { Lock, placeOf } from './lock.ts'
import { type AcquireOptions, checkAcquireOptions } from './options.ts'

/** A hold that bodies further down the async context may share. */
interface Entry {
  readonly lease: Lease
  /** Bodies that run under it. Once there is none, the hold is about to be released, and nobody enters any more. */
  depth: number
  /** Called when the last body has settled. */
  idle: (() => void) | undefined
}

const context = new AsyncLocalStorage<ReadonlyMap<string, Entry>>()

/**
 * An exclusive lock whose `using` may be nested: a body (and whatever it calls, in the same async context) that asks for
 * the same lock again runs at once, under the same lease. The lock is released when the outermost body and all nested ones
 * have settled.
 *
 * Re-entry is bound to the live hold: once that is lost, a nested `using` rejects with LockLostError; once it has been
 * released, it waits like anybody else. A bare `acquire` never re-enters.
 */
export class ReentrantLock extends Lock {
  override async using<T>(body: (lease: Lease) => T | PromiseLike<T>, options: AcquireOptions = {}): Promise<T> {
    if (typeof body !== 'function') throw new TypeError(`body is ${String(body)}: it must be a function`)
    checkAcquireOptions(options, 'using')
    const id = JSON.stringify(placeOf(this))
    const entry = context.getStore()?.get(id)
    if (entry !== undefined && entry.depth > 0 && !wasReleased(entry.lease)) return reenter(entry, body)
    return super.using(async (lease) => {
      const opened: Entry = { lease, depth: 0, idle: undefined }
      const entries = new Map(context.getStore()).set(id, opened)
      try {
        return await context.run(entries, () => enter(opened, body))
      } finally {
        await new Promise<void>((resolve) => {
          if (opened.depth === 0) resolve()
          else opened.idle = resolve
        })
      }
    }, options)
  }
}

/** By a body itself, before its end. */
function wasReleased(lease: Lease): boolean {
  return !lease.held && !lease.signal.aborted
}

async function enter<T>(entry: Entry, body: (lease: Lease) => T | PromiseLike<T>): Promise<T> {
  entry.depth += 1
  try {
    return await body(entry.lease)
  } finally {
    entry.depth -= 1
    if (entry.depth === 0) entry.idle?.()
  }
}

async function reenter<T>(entry: Entry, body: (lease: Lease) => T | PromiseLike<T>): Promise<T> {
  entry.lease.assertHeld()
  const value = await enter(entry, body)
  const { reason } = entry.lease.signal
  if (reason instanceof LockLostError)
    throw new LockLostError(reason.message, { key: reason.key, cause: reason, value })
  return value
}
