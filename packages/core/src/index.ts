export { acquireAll, type Leases } from './acquire-all.ts'
export type {
  AcquireAnswer,
  AcquireRequest,
  Capabilities,
  Grant,
  Guarantee,
  HolderState,
  KeyRequest,
  LeaseMode,
  ListRequest,
  LockBackend,
  LockState,
  RenewAnswer,
  RenewRequest,
  TokenRequest,
  Wait,
} from './backend.ts'
export { type BackendFactory, backendFromUrl, configure, registerBackend } from './config.ts'
export { createLocks, type Locks } from './create-locks.ts'
export type { Use } from './demand.ts'
export { elect } from './elect.ts'
export type { Election, ElectOptions, Leader } from './election.ts'
export {
  LockBackendError,
  LockError,
  type LockErrorCode,
  type LockErrorDetails,
  LockLostError,
  LockNotHeldError,
  LockTimeoutError,
  LockUnsupportedError,
} from './errors.ts'
export type { ExamineRequest, Finding } from './examine.ts'
export { type LockKey, lockKey } from './key.ts'
export type { Lease } from './lease.ts'
export type { LeaseJSON } from './lease-json.ts'
export { Lock } from './lock.ts'
export { memoryBackend } from './memory-backend.ts'
export type { AcquireOptions, LockOptions } from './options.ts'
export { ReadWriteLock } from './read-write-lock.ts'
export { type RecordBackendOptions, recordBackend } from './record/record-backend.ts'
export type {
  Outsider,
  Presence,
  RecordHolder,
  RecordRead,
  RecordStore,
  RecordWrite,
  StoreClock,
} from './record/store.ts'
export { ReentrantLock } from './reentrant-lock.ts'
export { elapsed, type Instant, type Runtime, systemRuntime, type Timer } from './runtime.ts'
export { Semaphore } from './semaphore.ts'
