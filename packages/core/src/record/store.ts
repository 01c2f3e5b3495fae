/**
 * The contract of a record store: what a database, a directory or an API must offer so that `recordBackend` can make a
 * full backend of it. One versioned record per lock, changed only by compare-and-write; everything else (modes, expiry,
 * queue, fencing, metadata) is core's state machine over the record's text.
 *
 * As in `LockBackend`, arguments are trusted, expected outcomes are values, and a rejection means that the outcome is
 * unknown. Core stops waiting for an answer after `timeout` milliseconds, a whole number.
 */
import type { Guarantee, LeaseMode } from '../backend.ts'
import type { LockKey } from '../key.ts'

export interface RecordStore<Version> {
  /** The kind of store in one word, for messages. */
  readonly name: string
  /** Where it is, for messages and for the order of `acquireAll`. No secrets. */
  readonly location: string
  /**
   * The clock that expiry is written in and judged by, if all clients share one. Null: nothing is compared between
   * machines; an entry expires for an observer who saw it unchanged for its whole ttl on its own monotonic clock.
   */
  readonly clock: StoreClock | null
  /** How to tell that an entry's process is gone before its ttl ends; null where that can't be known. */
  readonly presence: Presence | null
  /** Bounds for ttl in milliseconds, and whether a hold may be permanent. */
  readonly ttl: { readonly min: number; readonly max: number; readonly infinite: boolean }
  /** Whether waiters queue in the record (`fifo`), or whoever looks first gets the lock (`none`). */
  readonly queue: 'fifo' | 'none'
  /**
   * How often a waiter shows that it lives: `often`, every 3 s, or, where requests are dear, `seldom`: less often than a
   * holder renews. One that stays silent for three times as long is dropped. Default: often.
   */
  readonly signsOfLife?: 'often' | 'seldom' | undefined
  /**
   * The first fencing token that a write which led to this version can hand out, where versions rise with each write of any
   * record, and go on rising when records are removed. Tokens are then the versions', at least 1,024 to each, so that nothing
   * about them must be kept when a record goes. Default: tokens are counted in the record, from `floor` on.
   */
  readonly tokenOf?: ((version: Version) => bigint) | undefined
  /**
   * The version of each absence, where all are the same one, and a write to it that comes late is refused by other means. Then
   * who wants a lock of which nothing is known writes without reading first. Default: absences differ.
   */
  readonly absence?: Version | undefined
  /** Milliseconds between two looks of the first waiter when nothing wakes it; the others look less often. */
  readonly pollInterval: number
  /**
   * Where polling is all there is: up to how many milliseconds it slows down, to an eighth of the time for which the hold in
   * the way has been seen to go on. Default: it does not.
   */
  readonly longestPoll?: number | undefined
  /** Whether the record of a free lock is kept (cheaper to take again, removed by `sweep`) or removed at once. */
  readonly idleRecords: 'keep' | 'remove'
  readonly guarantee: Guarantee

  /** The record as it is now, linearizably: never older than the last write that was acknowledged to anybody. */
  read(key: LockKey, timeout: number): Promise<RecordRead<Version>>

  /**
   * Makes `record` the record if the version (of the record, or of its absence) is still `version`, in one atomic step.
   * Resolves with the new version, or with null if it was another one; then nothing was changed.
   *
   * No version ever comes back: not after other writes, and an absence not after the record was there and removed. Else a
   * request that arrives late, when its sender has given up, would be carried out.
   */
  write(key: LockKey, version: Version, record: RecordWrite, timeout: number): Promise<Version | null>

  /**
   * Removes the record if its version is still `version`, in one atomic step; false if it was another one. From then on,
   * even across a restart, `read` of the key answers a `floor` of at least `fence`.
   */
  remove(key: LockKey, version: Version, fence: bigint, timeout: number): Promise<boolean>

  /**
   * Calls `changed` soon after each change of the record, by anybody; extra calls are harmless, lost ones cost a poll.
   * With the record as it then was, where the notice tells it; without one, it is read. Returns a function that ends it.
   * Null instead of a method where the store has no notices.
   */
  readonly watch: ((key: LockKey, changed: (read?: RecordRead<Version>) => void) => () => void) | null

  /** Names of one namespace that have a record and start with `prefix`, in any order. Null where it can't be told. */
  readonly names: ((namespace: string, prefix: string, timeout: number) => Promise<readonly string[]>) | null

  /**
   * Housekeeping: called now and then, after a release. Where it is due, calls `prune` for keys that may have been left
   * behind; `prune` removes the record if nobody holds or waits. Bounded in time; a store without leftovers does nothing.
   */
  sweep(prune: (key: LockKey) => Promise<boolean>): Promise<void>

  /** Frees what this store itself opened. Idempotent. */
  close(): Promise<void>
}

export interface RecordRead<Version> {
  /** Of the record or, where there is none, of its absence: see `write`. Never null. */
  readonly version: Version
  /** The text given to `write`, to the letter; null: there is no record. */
  readonly value: string | null
  /**
   * At least every fencing token of this key that `value` may not tell of: for a key without a record what `remove` was
   * told; where a record may be older than one that was acknowledged (after a crash, say), a clock that has passed its
   * tokens. Tokens go on above it; 0n adds nothing.
   */
  readonly floor: bigint
  /**
   * Milliseconds for which it is certain, by stamps that the store itself puts on its writes, that none of the holders'
   * entries has changed (writes with `moved`), and that nothing has. For a store without a clock: thus who looks for the
   * first time can tell that a holder died long ago. Counts up to the moment before `read` was called; 0: not known, as by
   * default.
   */
  readonly unchanged?: { readonly holders: number; readonly record: number } | undefined
  /**
   * Where the lock can be taken or freed by other means than a record: who holds it by them, in place of the holders that
   * `value` tells of; null: nobody. Undefined, the default: those in `value` stand.
   */
  readonly outsider?: Outsider | null | undefined
}

/** Somebody who holds the lock without a record: it counts as long as its stamp changes at least once in each ttl. */
export interface Outsider {
  /** What it is shown as: at most 64 letters, digits, `-` and `_`. */
  readonly owner: string
  readonly metadata: string
  /** Milliseconds. */
  readonly ttl: number
  /** Another whole number, from 0 to 10^16, after each of its renewals. */
  readonly stamp: number
}

export interface RecordWrite {
  /** Up to a few hundred bytes per holder and waiter, in letters, digits and `-_.!~*'()%,;@` only. */
  readonly value: string
  /** The highest fencing token in `value`. */
  readonly fence: bigint
  /** The holders in `value`, for a store that shows them by means of its own. */
  readonly holders: readonly RecordHolder[]
  /** Whether the holders or their times are others than in the version written over: false if only the queue changes. */
  readonly moved: boolean
  /** Milliseconds after which the record means nothing unless it is written again; 0 when free, Infinity if permanent. */
  readonly keepFor: number
  /**
   * A record of at most 200 characters that blocks at least as much as `value` does, without its queue and texts: for a
   * store that keeps `value` in a place of its own and must know what to answer if that is ever lost.
   */
  essence(): string
}

export interface RecordHolder {
  /** The public id. */
  readonly owner: string
  readonly mode: LeaseMode
  /** The first fencing token of the hold. */
  readonly fence: bigint
  readonly metadata: string
  /** For how long it was armed, in milliseconds; Infinity: for ever. */
  readonly term: { readonly ttl: number }
}

export interface StoreClock {
  /** Two clients share the clock exactly if their ids are equal. Short; entries carry it. */
  readonly id: string
  /** Milliseconds by this clock; must not be stepped. */
  now(): number | Promise<number>
  /** The largest error of a reading, in milliseconds, at least 1. */
  readonly grain: number
}

export interface Presence {
  /** What identifies this process to others, written with each of its entries. Short. */
  readonly self: string
  /** True only if the process that wrote `process` is certainly gone. Quick and synchronous, like the next. */
  gone(process: string): boolean
  /**
   * True only if the process that wrote `process`, and would renew its entries, is certainly gone, but another one that it
   * stood for certainly runs: then the entries count until that one is gone as well, whatever their ttl.
   */
  outlived(process: string): boolean
}
