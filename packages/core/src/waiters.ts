import type { Demand } from './demand.ts'
import type { HeldLease } from './lease.ts'
import type { Instant } from './runtime.ts'
import type { Task } from './scheduler.ts'
import type { TimedOut } from './timed-out.ts'

/** One task that waits. */
export class Waiter {
  readonly demand: Demand
  readonly joined: Instant
  readonly give: (taken: HeldLease | TimedOut) => void
  readonly fail: (error: unknown) => void
  alarm: Task | undefined
  abort: (() => void) | undefined
  previous: Waiter | undefined
  next: Waiter | undefined

  constructor(demand: Demand, joined: Instant, give: Waiter['give'], fail: Waiter['fail']) {
    this.demand = demand
    this.joined = joined
    this.give = give
    this.fail = fail
  }
}

/** Tasks of the user in arrival order. Joining and leaving take the same time at any length, from any place. */
export class Waiters {
  #first: Waiter | undefined
  #last: Waiter | undefined
  #length = 0

  get first(): Waiter | undefined {
    return this.#first
  }

  get length(): number {
    return this.#length
  }

  add(waiter: Waiter): void {
    waiter.previous = this.#last
    if (this.#last === undefined) this.#first = waiter
    else this.#last.next = waiter
    this.#last = waiter
    this.#length += 1
  }

  /** Takes a waiter out, and its listener off. */
  remove(waiter: Waiter): void {
    if (waiter.abort !== undefined) waiter.demand.signal?.removeEventListener('abort', waiter.abort)
    if (waiter.previous === undefined) this.#first = waiter.next
    else waiter.previous.next = waiter.next
    if (waiter.next === undefined) this.#last = waiter.previous
    else waiter.next.previous = waiter.previous
    this.#length -= 1
  }
}
