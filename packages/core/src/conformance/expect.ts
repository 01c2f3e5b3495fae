import assert from 'node:assert/strict'
import {
  type AcquireAnswer,
  type Grant,
  type Lease,
  type LockBackend,
  LockError,
  type LockErrorCode,
} from '../index.ts'

/** Rejects unless `work` rejects with a LockError of this code; resolves with that error. */
export async function refused(work: Promise<unknown>, code: LockErrorCode): Promise<LockError> {
  const error = await rejection(work)
  assert.ok(error instanceof LockError, `expected ${code}, got ${String(error)}`)
  assert.equal(error.code, code, `expected ${code}, got ${error.message}`)
  return error
}

/** What `work` rejects with. */
export async function rejection(work: Promise<unknown>): Promise<unknown> {
  let value: unknown
  try {
    value = await work
  } catch (error) {
    return error
  }
  const shown = typeof value === 'object' && value !== null ? 'an object' : String(value)
  return assert.fail(`expected a rejection, got ${shown}`)
}

/** That there is a lease, and that it has not been lost; if it has, says why. */
export function assertHeld(lease: Lease | null | undefined): asserts lease is Lease {
  assert.ok(lease !== null && lease !== undefined, 'there is no lease: the lock was not granted')
  assert.ok(lease.held, lease.signal.aborted ? String(lease.signal.reason) : 'the lease is not held')
}

export function granted(answer: AcquireAnswer): Grant {
  assert.equal(answer.outcome, 'granted')
  return answer as Grant & { outcome: 'granted' }
}

export function busy(answer: AcquireAnswer): AcquireAnswer & { outcome: 'busy' } {
  assert.equal(answer.outcome, 'busy')
  return answer as AcquireAnswer & { outcome: 'busy' }
}

/** JSON in which bigints are text: what could be logged. */
export const json = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part))

/** `backend` with some parts replaced; the rest goes on to it. */
export function wrapped(backend: LockBackend, parts: Partial<LockBackend>): LockBackend {
  return {
    name: backend.name,
    location: backend.location,
    capabilities: backend.capabilities,
    runtime: backend.runtime,
    acquire: (request) => backend.acquire(request),
    cancel: (request) => backend.cancel(request),
    renew: (request) => backend.renew(request),
    release: (request) => backend.release(request),
    inspect: (request) => backend.inspect(request),
    forceRelease: (request) => backend.forceRelease(request),
    list: (request) => backend.list(request),
    close: () => backend.close(),
    ...parts,
  }
}

/** `backend`, and how many calls it has got. */
export function counted(backend: LockBackend): { readonly backend: LockBackend; readonly calls: () => number } {
  let calls = 0
  const count = <Request, Answer>(call: (request: Request) => Answer): ((request: Request) => Answer) => {
    return (request) => {
      calls += 1
      return call(request)
    }
  }
  return {
    calls: () => calls,
    backend: wrapped(backend, {
      acquire: count((request) => backend.acquire(request)),
      cancel: count((request) => backend.cancel(request)),
      renew: count((request) => backend.renew(request)),
      release: count((request) => backend.release(request)),
      inspect: count((request) => backend.inspect(request)),
      forceRelease: count((request) => backend.forceRelease(request)),
      list: count((request) => backend.list(request)),
    }),
  }
}
