import type { LeaseMode } from './backend.ts'
import { checkTtlRange } from './demand.ts'
import type { Engine } from './engine.ts'
import { describeLock, type LockLostError, LockNotHeldError } from './errors.ts'
import type { Hold, Occupant } from './hold.ts'
import type { LeaseJSON } from './lease-json.ts'
import { checkTtl } from './options.ts'
import type { Instant } from './runtime.ts'

/** Possession of a lock, from its grant until it is released, handed over or lost. */
export interface Lease extends AsyncDisposable {
  /** The lock's name. */
  readonly name: string
  readonly mode: LeaseMode
  /** This holder's public id, as `inspect` shows it. */
  readonly owner: string
  /** Higher than every token granted for this lock before: send it along with each write to what the lock protects. */
  readonly fencingToken: bigint
  /** Aborted with a LockLostError as soon as the lease is lost, before anybody else can hold by expiry. */
  readonly signal: AbortSignal
  /** Whether it is still held, by the local clocks, right now: right even if no timer has run since a pause. */
  readonly held: boolean
  /** Milliseconds until it runs out unless renewed, by the local clocks; 0 once it isn't held. */
  readonly remaining: number
  /** Throws LockLostError or LockNotHeldError unless held. */
  assertHeld(): void
  /**
   * Lengthens the lease to `ttl` milliseconds from now (default: as before) and renews with that ttl from then on. Never
   * shortens it. Rejects with LockLostError if it has been lost, LockNotHeldError after release or detach,
   * LockBackendError if the backend fails; then the old deadline stands.
   */
  renew(ttl?: number): Promise<void>
  /**
   * Gives the lock up. True: it was still ours. False: it had been lost (or detached). Rejects with LockBackendError if
   * the backend can't be told; its ttl then ends the hold. A repeated call answers as the first did.
   */
  release(): Promise<boolean>
  /**
   * Hands the hold over: custody ends here (no more renewals, `held` is false), and `Lock.attach` takes it up, here or in
   * another process, within the ttl that this call arms anew. The answer contains the secret: whoever has it can hold.
   */
  detach(): Promise<LeaseJSON>
}

/** Passes a hold on to who waits for it in this process, if the rules allow; else gives it up at the backend. Now it is `at`. */
export type Return = (hold: Hold, at: Instant) => Promise<boolean>

export class HeldLease implements Lease, Occupant {
  readonly fencingToken: bigint
  readonly #engine: Engine
  readonly #hold: Hold
  readonly #return: Return
  readonly #gone: () => void
  #controller: AbortController | undefined
  #lost: LockLostError | undefined
  #ended: 'released' | 'detached' | undefined
  #released: Promise<boolean> | undefined

  /** `gone` hears when the lease ends without giving its hold back: lost or detached. */
  constructor(engine: Engine, hold: Hold, maxHold: number, giveBack: Return, gone: () => void, fencingToken?: bigint) {
    this.#engine = engine
    this.#hold = hold
    this.#return = giveBack
    this.#gone = gone
    const fence = hold.occupy(this, maxHold)
    this.fencingToken = fencingToken ?? fence
  }

  get name(): string {
    return this.#hold.key.name
  }

  get mode(): LeaseMode {
    return this.#hold.mode
  }

  get owner(): string {
    return this.#hold.owner
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#lost !== undefined) this.#controller.abort(this.#lost)
    return this.#controller.signal
  }

  get held(): boolean {
    return this.#ended === undefined && this.#hold.check()
  }

  get remaining(): number {
    return this.held ? this.#hold.remaining : 0
  }

  /** Neither released nor detached: it may be lost. */
  get open(): boolean {
    return this.#ended === undefined
  }

  get detached(): boolean {
    return this.#ended === 'detached'
  }

  /** Why it was lost, if it was. */
  get loss(): LockLostError | undefined {
    return this.#lost
  }

  assertHeld(): void {
    if (this.held) return
    throw this.#lost ?? this.#notHeld()
  }

  async renew(ttl?: number): Promise<void> {
    if (ttl !== undefined) {
      checkTtl(ttl)
      checkTtlRange(this.#engine.backend, this.name, ttl)
    }
    this.assertHeld()
    await this.#hold.renew(ttl)
  }

  release(): Promise<boolean> {
    this.#released ??= this.#release()
    return this.#released
  }

  #release(): Promise<boolean> {
    if (this.#ended !== undefined) return Promise.resolve(false)
    const at = this.#engine.runtime.now()
    const held = this.#hold.check(at)
    this.#ended = 'released'
    if (held) return this.#return(this.#hold, at)
    this.#hold.discard()
    return Promise.resolve(false)
  }

  async detach(): Promise<LeaseJSON> {
    this.assertHeld()
    const hold = this.#hold
    // Its whole ttl for the journey, and independent of any session of this process.
    await hold.renew(undefined, { standalone: true })
    this.assertHeld()
    this.#ended = 'detached'
    hold.end()
    this.#gone()
    const { key, mode, permits, owner, token, ttl } = hold
    return {
      version: 1,
      namespace: key.namespace,
      name: key.name,
      mode,
      permits,
      owner,
      token,
      fencingToken: String(this.fencingToken),
      ttl: ttl === Number.POSITIVE_INFINITY ? null : ttl,
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release()
  }

  lost(error: LockLostError): void {
    this.#lost = error
    this.#gone()
    this.#controller?.abort(error)
  }

  #notHeld(): LockNotHeldError {
    const { key } = this.#hold
    return new LockNotHeldError(
      `${describeLock(key, this.#engine.backend)}: this lease was ${this.#ended ?? 'given up'} before; acquire the lock anew`,
      { key },
    )
  }
}
