import { elapsed, type Instant, type LockKey, type Timer } from '@locks/core'
import type { KeepAlives } from './keep-alives.ts'
import { Lease } from './lease.ts'
import type { Members } from './members.ts'

/** Milliseconds that a session is kept after its last use. */
const IDLE = 60_000
/** A session that nothing was heard of for this part of its time is asked before anything rests on it. */
const STALE = 1 / 2
const MAX_TIMEOUT = 3_000

interface Session {
  readonly lease: Lease
  timer: Timer | undefined
  idleSince: Instant | undefined
}

/** The leases of this process: sessions, which many locks share and which are kept alive, and leases of one lock. */
export class Leases {
  readonly #members: Members
  readonly #keepAlives: KeepAlives
  readonly #lost: (lease: Lease) => void
  readonly #sessions = new Map<Lease, Session>()
  /** By the seconds that were asked for: those that new locks may rest on. */
  readonly #current = new Map<number, { readonly granting: Promise<Lease>; lease: Lease | undefined }>()
  /** Those that are being ended. */
  readonly #ending = new Set<Promise<void>>()

  /** `lost` hears of sessions that have ended while something rested on them. */
  constructor(members: Members, keepAlives: KeepAlives, lost: (lease: Lease) => void) {
    this.#members = members
    this.#keepAlives = keepAlives
    this.#lost = lost
  }

  /** Whether others may rest on it, too. */
  isShared(lease: Lease): boolean {
    return this.#sessions.has(lease)
  }

  /** Whether there is a session to be had without a request. */
  has(seconds: number): boolean {
    return this.#current.has(seconds)
  }

  /**
   * The session of so many seconds, of which something was heard lately. `atLeast`: the server may make it longer; else that
   * is a RangeError. It has a user more.
   */
  async session(key: LockKey, seconds: number, timeout: number, atLeast: boolean): Promise<Lease> {
    const started = this.#members.runtime.now()
    for (let round = 0; ; round += 1) {
      const rest = Math.max(1, timeout - elapsed(this.#members.runtime, started))
      const lease = await this.#session(key, seconds, rest, atLeast)
      if (lease.age > lease.ttl * STALE) await lease.keepAlive(rest)
      if (this.#sessions.has(lease) && lease.isAlive && !lease.isDoubtful) {
        lease.users += 1
        return lease
      }
      this.#forget(lease)
      if (round === 3) throw new Error('leases end as soon as they begin')
    }
  }

  #session(key: LockKey, seconds: number, timeout: number, atLeast: boolean): Promise<Lease> {
    const known = this.#current.get(seconds)
    if (known !== undefined) return known.granting
    const granting = this.#grant(key, seconds, timeout, atLeast).then((lease) => {
      entry.lease = lease
      this.#sessions.set(lease, { lease, timer: undefined, idleSince: undefined })
      this.#schedule(lease, lease.ttl / 3)
      return lease
    })
    const entry = { granting, lease: undefined as Lease | undefined }
    this.#current.set(seconds, entry)
    granting.catch(() => {
      if (this.#current.get(seconds) === entry) this.#current.delete(seconds)
    })
    return granting
  }

  /** A lease for one lock alone. Nobody keeps it alive unasked. It has one user. */
  async own(key: LockKey, seconds: number, timeout: number): Promise<Lease> {
    const lease = await this.#grant(key, seconds, timeout, false)
    lease.users = 1
    return lease
  }

  /** Nothing new rests on this session; it ends when nothing old does. */
  doubt(lease: Lease): void {
    lease.isDoubtful = true
    this.#forget(lease)
    if (lease.users <= 0 && this.#sessions.has(lease)) this.#end(lease)
  }

  /** What rested on it is gone: it may have ended, and all else with it. Never rejects. */
  async suspect(lease: Lease, timeout: number): Promise<void> {
    await lease.keepAlive(timeout, { evenIfFresh: true }).catch(() => undefined)
  }

  /** A lock does not rest on it any more. */
  release(lease: Lease): void {
    lease.users -= 1
    if (lease.users > 0) return
    const session = this.#sessions.get(lease)
    if (session === undefined || lease.isDoubtful) this.#end(lease)
    else session.idleSince = this.#members.runtime.now()
  }

  /** Ends those that nothing rests on, and keeps none alive any more. */
  async close(): Promise<void> {
    const idle = [...this.#sessions.values()].filter(({ lease }) => lease.users <= 0)
    for (const { timer } of this.#sessions.values()) timer?.cancel()
    this.#sessions.clear()
    this.#current.clear()
    for (const { lease } of idle) this.#revoke(lease)
    await Promise.all(this.#ending)
  }

  async #grant(key: LockKey, seconds: number, timeout: number, atLeast: boolean): Promise<Lease> {
    const { runtime } = this.#members
    let since = runtime.now()
    const { answer } = await this.#members.ask(key, 'granting a lease', timeout, (client, options) => {
      since = runtime.now()
      return client.leaseClient.leaseGrant({ TTL: seconds }, options)
    })
    const { ID, TTL } = answer as { readonly ID: string; readonly TTL: string }
    const lease = new Lease(ID, Number(TTL) * 1_000, since, runtime, this.#keepAlives, (one) => this.#ended(one))
    if (atLeast || lease.ttl <= seconds * 1_000) return lease
    this.#end(lease)
    // Core takes an error with a code of ours as it is.
    throw Object.assign(
      new RangeError(
        `ttl is ${seconds * 1_000}: this etcd grants leases of ${lease.ttl} ms at least, by its election timeout; use a longer ttl`,
      ),
      { code: 'LOCK_UNSUPPORTED' },
    )
  }

  #schedule(lease: Lease, delay: number): void {
    const session = this.#sessions.get(lease)
    if (session === undefined) return
    session.timer = this.#members.runtime.setTimer(delay, () => void this.#tend(session), false)
  }

  async #tend(session: Session): Promise<void> {
    const { lease, idleSince } = session
    const { runtime } = this.#members
    if (lease.users > 0) session.idleSince = undefined
    else if (idleSince === undefined) session.idleSince = runtime.now()
    else if (elapsed(runtime, idleSince) > IDLE) {
      this.#forget(lease)
      this.#end(lease)
      return
    }
    if (!lease.isAlive) {
      lease.lose()
      return
    }
    try {
      await lease.keepAlive(Math.min(MAX_TIMEOUT, lease.ttl / 4))
      this.#schedule(lease, lease.ttl / 3)
    } catch {
      // There may be time to try again.
      this.#schedule(lease, Math.min(1_000, lease.ttl / 20))
    }
  }

  #ended(lease: Lease): void {
    const session = this.#sessions.get(lease)
    this.#forget(lease)
    session?.timer?.cancel()
    this.#sessions.delete(lease)
    this.#lost(lease)
  }

  /** New locks don't rest on it. */
  #forget(lease: Lease): void {
    for (const [seconds, { lease: current }] of this.#current) if (current === lease) this.#current.delete(seconds)
  }

  #end(lease: Lease): void {
    this.#sessions.get(lease)?.timer?.cancel()
    this.#sessions.delete(lease)
    this.#revoke(lease)
  }

  #revoke({ id }: Lease): void {
    const ending = this.#members
      .tell(MAX_TIMEOUT, (client, options) => client.leaseClient.leaseRevoke({ ID: id }, options))
      // If it can't be told, the lease ends by itself.
      .catch(() => undefined)
      .finally(() => this.#ending.delete(ending))
    this.#ending.add(ending)
  }
}
