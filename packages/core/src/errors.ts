import type { HolderState, LockBackend } from './backend.ts'
import { describeKey, type LockKey } from './key.ts'

export type LockErrorCode =
  | 'LOCK_TIMEOUT'
  | 'LOCK_LOST'
  | 'LOCK_NOT_HELD'
  | 'LOCK_BACKEND'
  | 'LOCK_UNSUPPORTED'
  | 'LOCK_MISMATCH'
  | 'LOCK_UNCONFIGURED'

export interface LockErrorDetails {
  /** The lock that it is about, if one. */
  readonly key?: LockKey | undefined
  readonly cause?: unknown
}

/** What every error of a lock is. Tell them apart by `code`, which is stable; bad arguments are TypeError or RangeError. */
export class LockError extends Error {
  override readonly name: string = 'LockError'
  readonly code: LockErrorCode
  /** The lock that it is about; undefined if it concerns none in particular. */
  readonly key: LockKey | undefined

  constructor(code: LockErrorCode, message: string, details: LockErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.key = details.key
  }
}

/** LOCK_TIMEOUT: held by others (or waited for) until the timeout ran out. The backend did answer. */
export class LockTimeoutError extends LockError {
  override readonly name: string = 'LockTimeoutError'
  /** A holder that was in the way when it was last looked at, if the backend told. */
  readonly holder: HolderState | undefined

  constructor(message: string, details: LockErrorDetails & { readonly holder?: HolderState | undefined } = {}) {
    super('LOCK_TIMEOUT', message, details)
    this.holder = details.holder
  }
}

/** LOCK_LOST: the lease ended before it was released; somebody else may hold the lock now. */
export class LockLostError extends LockError {
  override readonly name: string = 'LockLostError'
  /** What the body of `using` returned, if the lease was lost while it ran and it finished all the same. */
  readonly value: unknown

  constructor(message: string, details: LockErrorDetails & { readonly value?: unknown } = {}) {
    super('LOCK_LOST', message, details)
    this.value = details.value
  }
}

/** LOCK_NOT_HELD: something was asked of a lease that had been released, or of a lock that holds none. */
export class LockNotHeldError extends LockError {
  override readonly name: string = 'LockNotHeldError'

  constructor(message: string, details: LockErrorDetails = {}) {
    super('LOCK_NOT_HELD', message, details)
  }
}

/** LOCK_BACKEND: the backend failed or did not answer in time. Says nothing about whether the lock is free. */
export class LockBackendError extends LockError {
  override readonly name: string = 'LockBackendError'
  /** What the body of `using` returned, if only the release after it failed. */
  readonly value: unknown

  constructor(message: string, details: LockErrorDetails & { readonly value?: unknown } = {}) {
    super('LOCK_BACKEND', message, details)
    this.value = details.value
  }
}

/** LOCK_UNSUPPORTED: this backend cannot do what was asked. Nothing was sent to it. */
export class LockUnsupportedError extends LockError {
  override readonly name: string = 'LockUnsupportedError'

  constructor(message: string, details: LockErrorDetails = {}) {
    super('LOCK_UNSUPPORTED', message, details)
  }
}

/** `lock "a" on file /srv/locks`: how a message starts. */
export function describeLock(key: LockKey, backend: LockBackend): string {
  return `${describeKey(key)} on ${backend.name} ${backend.location}`
}

/** The same for what may concern no lock in particular. */
export function describeSubject(key: LockKey | undefined, backend: LockBackend): string {
  return key === undefined ? `${backend.name} ${backend.location}` : describeLock(key, backend)
}

export function formatDuration(ms: number): string {
  if (ms === Number.POSITIVE_INFINITY) return 'no end'
  const rounded = Math.max(0, Math.round(ms))
  if (rounded < 10_000) return `${rounded} ms`
  const seconds = Math.round(rounded / 1_000)
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`
}

/** `owner Xy3… (web-1:4711), exclusive, for 12 s, token 17`: a holder in a message. */
export function describeHolder(holder: HolderState): string {
  const age = holder.age === undefined ? '' : `, for ${formatDuration(holder.age)}`
  return `${holder.metadata === '' ? 'a holder' : holder.metadata} (owner ${holder.owner}, ${holder.mode}${age}, fencing token ${holder.fencingToken})`
}

/** The failure of one call to the backend, in the words of who has to mend it. */
export function backendError(
  key: LockKey | undefined,
  backend: LockBackend,
  action: string,
  cause: unknown,
): LockBackendError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new LockBackendError(`${describeSubject(key, backend)}: ${action} failed: ${reason}`, { key, cause })
}
