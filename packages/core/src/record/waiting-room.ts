import type { AcquireRequest, Grant } from '../backend.ts'
import type { LockKey } from '../key.ts'
import type { Runtime, Timer } from '../runtime.ts'
import { admits, advance, CLAIM } from './machine.ts'
import type { Look, Records } from './records.ts'
import type { RecordRead, RecordStore } from './store.ts'

/** Milliseconds for reading a record after a change notice: whoever it grants the lock to must hear of it in time. */
const LOOK_TIMEOUT = CLAIM / 2

interface Room {
  readonly key: LockKey
  readonly waiting: Map<string, AcquireRequest>
  readonly stop: () => void
  looking: boolean
  again: boolean
  /** When the hold in the way runs out, where nobody looks by himself for long. */
  expiry: Timer | undefined
}

/** Those of this process who wait for a record to change: one watcher and one reading per key serve them all. */
export class WaitingRoom<Version> {
  readonly #watch: RecordStore<Version>['watch']
  readonly #records: Records<Version>
  readonly #runtime: Runtime
  readonly #looksSeldom: boolean
  readonly #rooms = new Map<string, Room>()
  #closed = false

  constructor(store: RecordStore<Version>, records: Records<Version>, runtime: Runtime) {
    this.#runtime = runtime
    this.#looksSeldom = store.signsOfLife === 'seldom'
    this.#watch = store.watch === null ? null : store.watch.bind(store)
    this.#records = records
  }

  /** True if the request was not waiting yet. */
  enter(request: AcquireRequest): boolean {
    if (this.#watch === null || this.#closed) return false
    const { key, token } = request
    const room = this.#rooms.get(key.id)
    if (room === undefined) {
      const opened: Room = {
        key,
        waiting: new Map([[token, request]]),
        stop: this.#watch(key, (read) => void (read === undefined ? this.#look(opened) : this.#hear(key, read))),
        looking: false,
        again: false,
        expiry: undefined,
      }
      this.#rooms.set(key.id, opened)
      return true
    }
    const fresh = !room.waiting.has(token)
    room.waiting.set(token, request)
    return fresh
  }

  leave(key: LockKey, token: string): void {
    const room = this.#rooms.get(key.id)
    if (room?.waiting.delete(token) !== true || room.waiting.size > 0) return
    this.#rooms.delete(key.id)
    room.expiry?.cancel()
    room.stop()
  }

  /** Ends all watches, for good, and wakes who waits. */
  close(): void {
    this.#closed = true
    for (const { key, waiting } of [...this.#rooms.values()])
      for (const [token, request] of [...waiting]) {
        this.leave(key, token)
        request.wait?.wake()
      }
  }

  /** Wakes whom a record's new state concerns. */
  tell(key: LockKey, look: Look<Version>): void {
    const room = this.#rooms.get(key.id)
    if (room === undefined) return
    const { state, present } = look
    const stale = advance(state, present) !== state
    for (const [token, request] of room.waiting) {
      const wake = request.wait?.wake
      const holder = state.holders.find((entry) => entry.token === token)
      const queued = state.queue.some((entry) => entry.token === token)
      if (holder !== undefined) {
        const remaining = present.remaining(holder.term) ?? 0
        const grant: Grant = { fencingToken: holder.fence, since: look.basis, ttl: remaining }
        const roomy = remaining > holder.term.ttl / 2
        if (roomy) this.leave(key, token)
        wake?.(roomy ? grant : undefined)
      } else if (stale || (!queued && (request.wait?.queue === true || admits(state, request)))) wake?.()
    }
    if (this.#looksSeldom) this.#mindExpiry(room, look)
  }

  /**
   * Wakes who waits when the present hold runs out without having been renewed: it may be one granted by a release to
   * somebody who is gone. First the first in the queue, then the next, if nothing has changed by then.
   */
  #mindExpiry(room: Room, { state, present }: Look<Version>): void {
    room.expiry?.cancel()
    room.expiry = undefined
    const terms = state.holders.map((holder) => present.left(holder))
    const left = Math.min(Number.POSITIVE_INFINITY, ...terms)
    if (left === Number.POSITIVE_INFINITY || room.waiting.size === 0) return
    const place = state.queue.findIndex(({ token }) => room.waiting.has(token))
    const delay = left + 1 + (place < 0 ? state.queue.length : place) * CLAIM
    room.expiry = this.#runtime.setTimer(
      delay,
      () => {
        for (const request of room.waiting.values()) request.wait?.wake()
      },
      false,
    )
  }

  /** Rejects in time, even if the store does not. */
  #read(key: LockKey): Promise<Look<Version>> {
    return new Promise((resolve, reject) => {
      const timer = this.#runtime.setTimer(LOOK_TIMEOUT, () => reject(new Error('no answer')), false)
      const look = this.#records.look(key, LOOK_TIMEOUT)
      look.then(resolve, reject).finally(() => timer.cancel())
    })
  }

  async #hear(key: LockKey, read: RecordRead<Version>): Promise<void> {
    try {
      this.tell(key, await this.#records.hear(key, read))
    } catch {
      // A clock that cannot be asked, or a damaged record: the waiters' own look meets the same failure, and reports it.
      for (const request of this.#rooms.get(key.id)?.waiting.values() ?? []) request.wait?.wake()
    }
  }

  async #look(room: Room): Promise<void> {
    if (room.looking) {
      room.again = true
      return
    }
    room.looking = true
    try {
      do {
        room.again = false
        if (room.waiting.size > 0) this.tell(room.key, await this.#read(room.key))
      } while (room.again)
    } catch {
      // The waiters' own look meets the same failure, and reports it.
      for (const request of room.waiting.values()) request.wait?.wake()
    } finally {
      room.looking = false
    }
  }
}
