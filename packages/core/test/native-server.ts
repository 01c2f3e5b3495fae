import type { HolderState, LockKey, LockState } from '../src/index.ts'
import {
  type Entry,
  fits,
  type Hold,
  otherUse,
  type Place,
  type ServerAcquire,
  type ServerAnswer,
  type ServerLink,
} from './native-entry.ts'
import type { Transport } from './network.ts'

/** Milliseconds for which a hold that was granted by a release lasts at first. */
export const CLAIM = 1_000
/** Milliseconds that a waiter stays in the queue without calling again. */
export const WAITER_LIFE = 1_500
/** For how long a cancelled token is remembered: longer than any request of it may still be on its way. */
export const TOMBSTONE_LIFE = 30_000
/** The server's clock differs from everybody else's. */
const SKEW = 5_000_000

/** A lock server in this process. Each public method is one atomic step; each protected one is a rule of its own. */
export class NativeServer {
  readonly network: Transport
  readonly #clock: () => number
  readonly #tombstones = new Map<string, number>()
  readonly #entries = new Map<string, Entry>()
  /** Above the tokens of all names that were forgotten. */
  #floor = 0n

  constructor(network: Transport, clock: () => number = () => performance.now()) {
    this.network = network
    this.#clock = clock
  }

  now(): number {
    return this.#clock() + SKEW
  }

  acquire(request: ServerAcquire, link: ServerLink): ServerAnswer {
    const entry = this.entry(request.key)
    this.#entries.set(this.address(request.key), entry)
    entry.watchers.delete(request.token)
    const mine = entry.holds.find(({ token }) => token === request.token)
    if (mine !== undefined) return this.adopt(mine, request)
    // Not an answer: whether the lock is free was not looked at.
    if (this.stale(request)) throw new Error('the request came too late')
    const usedAs = otherUse(entry, request)
    if (usedAs !== undefined) return { outcome: 'mismatch', usedAs }

    const waiting = entry.queue.find((place) => place.request.token === request.token)
    if (waiting === undefined && this.mayEnter(entry, request)) {
      const { fence } = this.grant(entry, request, request.ttl)
      return { outcome: 'granted', fencingToken: fence, ttl: request.ttl }
    }
    const place: Place = { request, link, aliveUntil: this.now() + WAITER_LIFE }
    if (waiting !== undefined) waiting.aliveUntil = place.aliveUntil
    else if (request.waits === 'notice') entry.watchers.set(request.token, place)
    else if (request.waits === 'queue') this.enqueue(entry, place)
    const [first] = entry.holds
    const free = Math.min(...entry.holds.map(({ ends }) => ends)) - this.now()
    const lookAgain = Math.max(1, Math.min(free + 1, WAITER_LIFE / 3))
    return { outcome: 'busy', lookAgain, holder: first && this.describe(first) }
  }

  cancel(key: LockKey, token: string): void {
    this.bury(token)
    this.release(key, token)
  }

  /** How long the hold lasts from now; undefined: lost. */
  renew(key: LockKey, token: string, ttl: number, rotateTo: string | undefined): number | undefined {
    const hold = this.entry(key).holds.find((one) => one.token === token || one.token === rotateTo)
    if (hold === undefined) return undefined
    if (rotateTo !== undefined && rotateTo !== token) this.bury(token)
    hold.token = rotateTo ?? token
    this.prolong(hold, ttl)
    return hold.ends - this.now()
  }

  release(key: LockKey, token: string): boolean {
    // An acquire of it that was repeated over a new connection may still arrive over the old one.
    this.bury(token)
    const entry = this.entry(key)
    const held = entry.holds.length
    entry.holds = entry.holds.filter((hold) => hold.token !== token)
    entry.queue = entry.queue.filter(({ request }) => request.token !== token)
    entry.watchers.delete(token)
    const released = entry.holds.length < held
    this.serve(entry)
    this.forgetIdle(key)
    return released
  }

  forceRelease(key: LockKey): boolean {
    const entry = this.entry(key)
    const held = entry.holds.length > 0
    entry.holds = []
    this.serve(entry)
    this.forgetIdle(key)
    return held
  }

  inspect(key: LockKey): LockState {
    const { holds, queue } = this.entry(key)
    return { holders: holds.map((hold) => this.describe(hold)), waiters: queue.length }
  }

  list(namespace: string, prefix: string): string[] {
    const start = `${namespace}:`
    const ids = [...this.#entries.keys()].filter((id) => id.startsWith(start))
    const used = ids.filter((id) => {
      const { holds, queue } = this.#current(id)
      return holds.length > 0 || queue.length > 0
    })
    const names = used.map((id) => id.slice(start.length))
    return names.filter((name) => name.startsWith(prefix)).sort()
  }

  /** The entry as it is now: without what has run out, and with those granted whose turn has come. */
  protected entry(key: LockKey): Entry {
    return this.#current(this.address(key))
  }

  /** It arrives when its sender no longer waits for it. */
  protected stale({ notAfter, token }: ServerAcquire): boolean {
    return this.now() > notAfter || this.#tombstones.has(token)
  }

  /** A cancelled token: nothing that arrives later with it has an effect. */
  protected bury(token: string): void {
    for (const [old, until] of this.#tombstones) {
      if (until >= this.now()) break
      this.#tombstones.delete(old)
    }
    this.#tombstones.delete(token)
    this.#tombstones.set(token, this.now() + TOMBSTONE_LIFE)
  }

  protected address(key: LockKey): string {
    return key.id
  }

  #current(id: string): Entry {
    const entry = this.#entries.get(id) ?? { holds: [], queue: [], watchers: new Map(), fence: this.#floor }
    entry.holds = entry.holds.filter((hold) => this.lives(hold))
    entry.queue = entry.queue.filter(({ aliveUntil }) => aliveUntil > this.now())
    this.serve(entry)
    return entry
  }

  /** Nobody is overtaken. */
  protected mayEnter(entry: Entry, request: ServerAcquire): boolean {
    return entry.queue.length === 0 && fits(entry, request)
  }

  /** The reply of an earlier request was lost. */
  protected adopt(hold: Hold, { ttl }: ServerAcquire): ServerAnswer {
    this.prolong(hold, ttl)
    return { outcome: 'granted', fencingToken: hold.fence, ttl: hold.ends - this.now() }
  }

  protected lives({ ends }: Hold): boolean {
    return ends > this.now()
  }

  protected prolong(hold: Hold, ttl: number): void {
    hold.ends = Math.max(hold.ends, this.now() + ttl)
  }

  protected enqueue(entry: Entry, place: Place): void {
    entry.queue.push(place)
  }

  /** For how long a hold lasts that its new holder may not have heard of. */
  protected claim({ ttl }: ServerAcquire): number {
    return Math.min(CLAIM, ttl)
  }

  protected grant(entry: Entry, request: ServerAcquire, ttl: number): Hold {
    const { token, owner, mode, permits, metadata, tokens } = request
    const since = this.now()
    const hold = { token, owner, mode, permits, metadata, fence: entry.fence + 1n, since, ends: since + ttl }
    entry.fence += BigInt(tokens)
    entry.holds.push(hold)
    return hold
  }

  /** Grants to the queue in its order, as far as the modes allow. */
  protected serve(entry: Entry): void {
    for (let [first] = entry.queue; first !== undefined && fits(entry, first.request); [first] = entry.queue) {
      const { request, link } = first
      entry.queue.shift()
      const ttl = this.claim(request)
      const { fence, since } = this.grant(entry, request, ttl)
      const grant = { fencingToken: fence, at: since, ttl }
      this.network.push(link, () => link.pushed({ token: request.token, grant }))
    }
    for (const [token, { request, link }] of entry.watchers) {
      // Told in vain, each would look, and by that have the others told.
      if (!this.mayEnter(entry, request)) continue
      entry.watchers.delete(token)
      this.network.push(link, () => link.pushed({ token, grant: undefined }))
    }
  }

  protected forgetIdle(key: LockKey): void {
    const entry = this.#entries.get(this.address(key))
    if (entry === undefined || entry.holds.length > 0 || entry.queue.length > 0) return
    this.#floor = this.raised(this.#floor, entry.fence)
    this.#entries.delete(this.address(key))
  }

  protected raised(floor: bigint, fence: bigint): bigint {
    return fence > floor ? fence : floor
  }

  protected describe({ owner, mode, fence, ends, since, metadata }: Hold): HolderState {
    return { owner, mode, fencingToken: fence, remaining: ends - this.now(), age: this.now() - since, metadata }
  }
}
