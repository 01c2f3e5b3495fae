import type { AcquireRequest, HolderState, LeaseMode } from '../src/index.ts'
import type { Link } from './network.ts'

/** What a client asks: an acquire without what stays on its side. */
export interface ServerAcquire extends Omit<AcquireRequest, 'wait' | 'timeout' | 'standalone'> {
  /** How the client waits if the lock is busy: in the queue, by being told when it is free, or not at all. */
  readonly waits: 'queue' | 'notice' | 'no'
  /** By the server's clock: arriving later, it is refused. */
  readonly notAfter: number
}

export type ServerAnswer =
  | { readonly outcome: 'granted'; readonly fencingToken: bigint; readonly ttl: number }
  | { readonly outcome: 'busy'; readonly lookAgain: number; readonly holder: HolderState | undefined }
  | { readonly outcome: 'mismatch'; readonly usedAs: string }

/** What a waiter is told unasked. */
export interface Push {
  readonly token: string
  /** It was granted the lock by somebody's release; undefined: looking again is worthwhile. */
  readonly grant: { readonly fencingToken: bigint; readonly at: number; readonly ttl: number } | undefined
}

export interface ServerLink extends Link {
  pushed(push: Push): void
}

export interface Hold {
  token: string
  readonly owner: string
  readonly mode: LeaseMode
  readonly permits: number
  readonly metadata: string
  readonly fence: bigint
  readonly since: number
  ends: number
}

export interface Place {
  readonly request: ServerAcquire
  readonly link: ServerLink
  /** Dropped unless it calls again until then. */
  aliveUntil: number
}

export interface Entry {
  holds: Hold[]
  queue: Place[]
  /** Who wants to be told when it is free, by token. */
  readonly watchers: Map<string, Place>
  fence: bigint
}

/** Whether a new hold can stand beside the present ones. */
export function fits({ holds }: Entry, { mode, permits }: ServerAcquire): boolean {
  if (holds.length === 0) return true
  if (mode !== holds[0]?.mode) return false
  return mode === 'shared' || (mode === 'semaphore' && holds.length < permits)
}

/** How a name is in use, where that forbids the requested use. */
export function otherUse({ holds, queue }: Entry, request: ServerAcquire): string | undefined {
  const user = holds[0] ?? queue[0]?.request
  if (user === undefined || (user.mode === 'semaphore') === (request.mode === 'semaphore'))
    return user === undefined || user.permits === request.permits ? undefined : `a semaphore of ${user.permits} permits`
  return user.mode === 'semaphore' ? `a semaphore of ${user.permits} permits` : 'a lock'
}
