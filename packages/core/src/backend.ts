/**
 * The contract between @locks/core and a backend. This file is all that an adapter's author needs: what each call does,
 * what each answer means, what may reject.
 *
 * There are two ways to write an adapter. Where the server can do a whole step atomically (a script, a transaction),
 * implement `LockBackend` itself. Where it offers only compare-and-write of one record, implement `RecordStore` and wrap
 * it in `recordBackend`.
 *
 * Three rules hold throughout:
 *
 * - **Arguments are trusted.** Core has validated names, ttls and modes; nothing is checked again here.
 * - **Expected outcomes are values, failures reject.** A rejection means *unknown*: the step may or may not have
 *   happened, now or later. Core then repeats the call with the same token, or calls `cancel`. Rejecting with a `LockError`
 *   (usually `LockBackendError`) says that repeating is pointless: it reaches the caller as it is. An adapter never
 *   answers "busy" or "lost" because it could not ask.
 * - **Nothing hangs for ever.** Every request carries `timeout`. Core stops listening after it, whatever the adapter does,
 *   so an adapter should give up its own resources then.
 */
import type { ExamineRequest, Finding } from './examine.ts'
import type { LockKey } from './key.ts'
import type { Instant, Runtime } from './runtime.ts'

/** `exclusive`: alone. `shared`: any number of shared holders. `semaphore`: up to `permits` holders. */
export type LeaseMode = 'exclusive' | 'shared' | 'semaphore'

export interface LockBackend {
  /** The kind of backend in one word, for messages: `redis`, `file`. */
  readonly name: string
  /**
   * Where it stores its locks, for messages and for the global order of `acquireAll`: a directory, a server's address.
   * Two backends that share their locks should give the same text. No secrets.
   */
  readonly location: string
  /** What this backend can promise. Constant over its life; the conformance kit holds the backend to it. */
  readonly capabilities: Capabilities
  /** The clock and timers for this backend's locks. Default: the system's. */
  readonly runtime?: Runtime | undefined

  /**
   * Takes the lock for `token` if that is possible now, in one atomic step.
   *
   * - Idempotent per token: where `token` already holds, its ttl is re-armed (never shortened) and the same fencing token
   *   answered again. Where it already waits, its place is kept and its liveness renewed.
   * - Overtakes nobody: with live waiters in the queue, only the first of them (and the shared waiters directly behind
   *   it, for a shared grant) can be granted.
   * - With `wait.queue` and the lock busy, `token` enters the queue in arrival order (only if `capabilities.queue` is
   *   `fifo`). It stays there, without further calls, at least until `retryAfter` has passed, and some time longer; a
   *   waiter that does not call again is dropped, so that a dead one blocks nobody.
   * - With `wait` and `capabilities.wakeup` `push`: from the busy answer until the next acquire or `cancel` of this
   *   token, the adapter calls `wait.wake` when looking again is worthwhile. A wake may get lost: core also comes back
   *   after `retryAfter`.
   * - `mismatch` when the name is in use in another way: as a lock while a semaphore is asked for, the reverse, or with
   *   another number of permits.
   */
  acquire(request: AcquireRequest): Promise<AcquireAnswer>

  /**
   * Undoes whatever `acquire(token)` did or may still do: a hold is released, a place in the queue given up, and a request
   * of that token that arrives later has no effect (where this cannot be made certain, `guarantee.lateRequests` is
   * `run out`). Resolves once that is done. Core repeats a rejected cancel for a while.
   */
  cancel(request: TokenRequest): Promise<void>

  /**
   * Lengthens the hold of `token` to `ttl` from now, in one atomic step; never shortens it.
   *
   * `lost` when `token` does not hold (any more): expired, taken over, released or broken. An expired hold is never
   * revived, even if nobody has taken the lock since.
   */
  renew(request: RenewRequest): Promise<RenewAnswer>

  /**
   * Gives up the hold of `token`, in one atomic step. Resolves with true if it held until now, with false if it did not
   * (then nothing of anybody else's is touched). The next live waiter is granted the lock directly, or is woken. As after
   * `cancel`, an acquire of the token that arrives later, delayed or repeated on the way, has no effect.
   */
  release(request: TokenRequest): Promise<boolean>

  /** Who holds and how many wait, now. Changes nothing. Expired holds and dead waiters don't count. */
  inspect(request: KeyRequest): Promise<LockState>

  /** Ends all holds of a key at once, whoever owns them; waiters then get their turn. True if there was one to end. */
  forceRelease(request: KeyRequest): Promise<boolean>

  /**
   * Names of one namespace that start with `prefix` and are held or waited for. Sorted by code unit, no duplicates.
   * Rejects with `LockUnsupportedError` where `capabilities.list` is false (core asks the capability first).
   */
  list(request: ListRequest): Promise<readonly string[]>

  /**
   * Says what to call when holds may end sooner than was answered; the last listener counts. The adapter calls it as soon
   * as it notices: `sooner` is by how many milliseconds at most (the clock that expiry rests on was set forward), or 0 if
   * it can't know (the server came back, perhaps with other data). Core takes that much off the local deadline of every
   * hold at this backend, and renews at once those that are left. An adapter that can't notice such things leaves it out.
   */
  onDoubt?(listener: (sooner: number) => void): void

  /**
   * Looks at what the promises rest on (the server's settings, the directory) and says what endangers them, for
   * `locks doctor`. Resolves with a finding for each thing looked at, whatever comes out; what may not be seen is a finding
   * too. Rejects if the backend can't be reached or doesn't answer. Changes nothing that is stored, and takes no lock. An
   * adapter that has nothing to look at leaves it out.
   */
  examine?(request: ExamineRequest): Promise<readonly Finding[]>

  /**
   * Frees what this backend object itself opened (connections, watchers, timers); a client that the user gave stays open.
   * Waits for calls under way, at most 5 s. Idempotent. Holds are left to their ttl: core releases first.
   */
  close(): Promise<void>
}

export interface KeyRequest {
  readonly key: LockKey
  /** Milliseconds until core stops waiting for the answer; a whole number above 0. */
  readonly timeout: number
}

export interface TokenRequest extends KeyRequest {
  /** The owner’s secret: 22 random characters of base64url, more than 128 bits. Fresh for each hold. */
  readonly token: string
  readonly mode: LeaseMode
}

export interface AcquireRequest extends TokenRequest {
  /** The owner's public id: 11 characters of base64url, safe to show and to log. */
  readonly owner: string
  /** For mode `semaphore` the number of permits, from 1; otherwise 1. */
  readonly permits: number
  /** Milliseconds, within `capabilities.ttl`; never Infinity: a permanent hold is granted finite first, then renewed. */
  readonly ttl: number
  /** True: the hold must live out its ttl whatever becomes of this process's connection or session. */
  readonly standalone: boolean
  /** How many consecutive fencing tokens to reserve for this hold, from 1: the grant names the first of them. */
  readonly tokens: number
  /** Free text shown by inspect. */
  readonly metadata: string
  /** How to wait if busy; null: one attempt, no place in the queue, no wake-ups. */
  readonly wait: Wait | null
}

export interface Wait {
  /** True: enter the queue. */
  readonly queue: boolean
  /** Milliseconds between two looks that the user asks for; undefined: the adapter's own. */
  readonly retryInterval: number | undefined
  /** Says that looking again is worthwhile; with a grant, that the lock was granted and no look is needed. */
  readonly wake: (grant?: Grant) => void
}

export interface RenewRequest extends TokenRequest {
  /** Milliseconds, within `capabilities.ttl`; Infinity (where supported) makes the hold permanent. */
  readonly ttl: number
  readonly standalone: boolean
  /**
   * Hands the hold to a new secret in the same atomic step; `token` is void from then on. Idempotent: if the hold already
   * has the new secret, it is renewed. Undefined: no change.
   */
  readonly rotateTo: string | undefined
}

export interface ListRequest {
  readonly namespace: string
  readonly prefix: string
  readonly timeout: number
}

export interface Grant {
  /** The first of the reserved fencing tokens. Higher than every token ever granted or reserved for this key before. */
  readonly fencingToken: bigint
  /**
   * From when the hold's time counts: an instant not later than when the backend armed the expiry. Undefined: the moment
   * in which core made the call, which is right for an adapter whose request itself arms the expiry.
   */
  readonly since?: Instant | undefined
  /** Milliseconds from `since` for which the backend keeps the hold; Infinity if permanent. Short for a pushed grant. */
  readonly ttl: number
}

export type AcquireAnswer =
  | ({ readonly outcome: 'granted' } & Grant)
  | {
      readonly outcome: 'busy'
      /** Milliseconds after which core looks again, unless woken earlier. The adapter has put its jitter in. */
      readonly retryAfter: number
      /** One of those in the way, if known: for messages. */
      readonly holder?: HolderState | undefined
    }
  | {
      readonly outcome: 'mismatch'
      /** How the name is in use: `a semaphore of 3 permits`. */
      readonly usedAs: string
    }

export type RenewAnswer =
  | { readonly outcome: 'renewed'; readonly since?: Instant | undefined; readonly ttl: number }
  | { readonly outcome: 'lost' }

export interface HolderState {
  /** The holder's public id (`lease.owner`). */
  readonly owner: string
  readonly mode: LeaseMode
  /** The first fencing token of the hold. */
  readonly fencingToken: bigint
  /** Milliseconds until the hold runs out unless renewed, as far as the asker can tell; Infinity if permanent. */
  readonly remaining: number
  /** Milliseconds since the grant, where the backend knows it. */
  readonly age?: number | undefined
  readonly metadata: string
}

export interface LockState {
  readonly holders: readonly HolderState[]
  /** Places in the backend's queue; always 0 where it has none. */
  readonly waiters: number
}

export interface Capabilities {
  /** Always includes `exclusive`. */
  readonly modes: readonly LeaseMode[]
  /** `fifo`: waiters of all processes are served in arrival order. `none`: whoever looks first. */
  readonly queue: 'fifo' | 'none'
  /** `push`: a waiter is woken when its turn comes. `poll`: it looks again from time to time. */
  readonly wakeup: 'push' | 'poll'
  readonly ttl: {
    /** Shortest ttl in milliseconds; a shorter one is refused with a RangeError. */
    readonly min: number
    /** Longest finite ttl in milliseconds. */
    readonly max: number
    /** Grain of the clock that expiry rests on, in milliseconds: taken off each lease's own deadline. */
    readonly granularity: number
    /** Whether `ttl: Infinity` is possible. */
    readonly infinite: boolean
  }
  /** Whether names can be listed. */
  readonly list: boolean
  readonly guarantee: Guarantee
}

/** What the promises rest on. The docs' guarantee matrix is made from this. */
export interface Guarantee {
  /** Who can contend: the tasks of one process, the processes of one host, or any process that reaches the server. */
  readonly scope: 'process' | 'host' | 'network'
  /**
   * How a silent holder's end is found: by a clock that all contenders share, or by watching its record stay unchanged
   * for the whole ttl on one's own clock.
   */
  readonly expiry: 'shared clock' | 'observation'
  /** How soon a holder whose process died is replaced by somebody who waits. */
  readonly deadHolder: 'at once' | 'after its ttl'
  /**
   * What becomes of an acquire that arrives after it was given up: cancelled, or its hold released. `refused`: it has no
   * effect. `run out`: it may take the lock, for nobody; that hold, or place in the queue, then ends with its time.
   */
  readonly lateRequests: 'refused' | 'run out'
  /** Whether no two leases overlap across each of these events. `n/a`: it can't happen to this backend. */
  readonly exclusionAcross: {
    readonly restart: boolean | 'n/a'
    readonly failover: boolean | 'n/a'
    readonly dataLoss: boolean | 'n/a'
    readonly clockStep: boolean | 'n/a'
  }
  /** Whether fencing tokens go on rising across each of these events; `clock`: as far as a wall clock carries it. */
  readonly fencingAcross: {
    readonly restart: boolean | 'clock' | 'n/a'
    readonly dataLoss: boolean | 'clock' | 'n/a'
  }
  /** What is not promised, in a sentence or two. */
  readonly caveat: string
}
