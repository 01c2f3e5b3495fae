import type { Grant, Instant, Runtime, Timer } from '@locks/core'
import type { Connection, Subscription } from './client/connection.ts'
import type { Reading, ServerClock } from './server-clock.ts'

/** How often the connection is probed while anybody waits, in milliseconds. */
const PROBE = 3_000

/** A waiter of this process, from its first call on. */
interface Waiting {
  readonly wake: (grant?: Grant) => void
  /** The last reply that it had, and by which clock; undefined: none yet. */
  heard: { readonly reading: Reading; readonly clock: ServerClock; readonly epoch: number } | undefined
  /** A message that overtook the first reply. */
  early: string | undefined
}

/** What the server tells unasked: `g <token> <fence> <time> <ttl>` is a grant, `n <token>` that looking is worthwhile. */
export class Pushes {
  /** Where this process hears of its grants. */
  readonly channel: string
  readonly #connection: Connection
  readonly #runtime: Runtime
  readonly #waiting = new Map<string, Waiting>()
  #subscription: Subscription | undefined
  #opening: Promise<void> | undefined
  #probe: Timer | undefined
  #open = false

  constructor(connection: Connection, channel: string, runtime: Runtime) {
    this.#connection = connection
    this.channel = channel
    this.#runtime = runtime
  }

  /** Whether messages are heard. Only then may a place in a queue be taken. */
  get open(): boolean {
    return this.#open
  }

  /** Subscribes, once for the life of the backend. Rejects if that fails; it may be tried again. */
  subscribe(): Promise<void> {
    this.#opening ??= this.#subscribe().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #subscribe(): Promise<void> {
    const subscription = this.#connection.subscribe(
      this.channel,
      (message) => this.#message(message),
      () => this.wakeAll(),
    )
    this.#subscription = subscription
    try {
      await subscription.ready
      this.#open = true
    } catch (error) {
      subscription.close()
      throw error
    }
  }

  /** A waiter is about to ask. */
  expect(token: string, wake: (grant?: Grant) => void): void {
    const known = this.#waiting.get(token)
    this.#waiting.set(token, { wake, heard: known?.heard, early: known?.early })
    if (this.#probe === undefined) this.#keepProbing()
  }

  /** The waiter was told that the lock is busy. */
  busy(token: string, reading: Reading, clock: ServerClock): void {
    const waiting = this.#waiting.get(token)
    if (waiting === undefined) return
    waiting.heard = { reading, clock, epoch: clock.epoch }
    const { early } = waiting
    waiting.early = undefined
    // After the answer has reached its asker.
    if (early !== undefined) this.#runtime.setTimer(0, () => this.#message(early), true)
  }

  /** Nobody waits with this token any more. */
  forget(token: string): void {
    this.#waiting.delete(token)
  }

  /** Messages may have been lost. */
  wakeAll(): void {
    for (const { wake } of this.#waiting.values()) wake()
  }

  close(): void {
    this.#open = false
    this.#probe?.cancel()
    this.#waiting.clear()
    this.#subscription?.close()
  }

  #message(message: string): void {
    const [kind, token = '', fence = '', time, ttl] = message.split(' ')
    const waiting = this.#waiting.get(token)
    if (waiting === undefined) return
    const { heard } = waiting
    if (heard === undefined) {
      waiting.early = message
      return
    }
    // After a step of the clock, its times can't be told in ours: the waiter looks.
    if (kind !== 'g' || heard.clock.epoch !== heard.epoch) {
      waiting.wake()
      return
    }
    this.#waiting.delete(token)
    const since: Instant = heard.clock.momentOf(Number(time), heard.reading)
    waiting.wake({ fencingToken: BigInt(fence), ttl: Number(ttl), since })
  }

  #keepProbing(): void {
    this.#probe = this.#runtime.setTimer(
      PROBE,
      () => {
        this.#probe = undefined
        if (this.#waiting.size === 0) return
        this.#subscription?.probe()
        this.#keepProbing()
      },
      false,
    )
  }
}
