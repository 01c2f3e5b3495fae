import type { Lease } from './lease.ts'
import type { LockOptions } from './options.ts'

/** Who leads, as everybody may see it. */
export interface Leader {
  /** The leader's public id: `lease.owner` of its lease. */
  readonly owner: string
  readonly metadata: string
  /** Higher than that of every leader before. */
  readonly fencingToken: bigint
}

/** Part in an election, from `elect` until `stop`. */
export interface Election extends AsyncDisposable {
  readonly name: string
  /** The lease under which `onElected` runs now; null while it doesn't. It may have been lost: ask its `held`. */
  readonly lease: Lease | null
  /**
   * Who leads, as the backend knows it, or null: a picture of the past by the time it arrives. Rejects with
   * LockBackendError when the backend can't tell.
   */
  current(): Promise<Leader | null>
  /**
   * Resigns, for good. A campaign ends at once; a running `onElected` has its signal aborted, and the lease is renewed
   * until it has settled, and only then released: nobody else leads beside it. Resolves when nothing is left, however long
   * `onElected` takes: to leave earlier end the process, and its lease runs out. A backend that can't be told is waited for
   * no longer than `requestTimeout`. Never rejects; may be called again. `onElected` itself must not await it.
   */
  stop(): Promise<void>
}

/** As for a Lock, but that a campaign has no timeout. */
export interface ElectOptions extends Omit<LockOptions, 'timeout' | 'signal'> {
  /**
   * Runs each time it is elected, never twice at once, for as long as it wants to lead. `signal` is aborted when it must
   * end: at a loss, with the LockLostError of `lease.signal`, or at `stop`. `lease.signal` is aborted at a loss only.
   *
   * When it has settled, leadership is given up (unless lost), and the election campaigns again: after a loss at once,
   * after a return in half a second to a second, after a throw with a back-off from there to a minute.
   */
  readonly onElected: (lease: Lease, signal: AbortSignal) => unknown
  /**
   * Hears what went wrong while the election goes on: what `onElected` threw (unless it only passed on what its signal
   * said), and why the backend couldn't be asked or told. What it throws itself is an unhandled rejection, which by default
   * ends the process. Default: `process.emitWarning`.
   */
  readonly onError?: ((error: unknown) => void) | undefined
  /** Stops the election when aborted, as `stop` does. */
  readonly signal?: AbortSignal | undefined
}
