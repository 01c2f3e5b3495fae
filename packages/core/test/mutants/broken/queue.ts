import type { LockKey } from '../../../src/index.ts'
import {
  type Entry,
  fits,
  type Place,
  type ServerAcquire,
  type ServerAnswer,
  type ServerLink,
} from '../../native-entry.ts'
import { type BrokenBackend, client, Server, server } from './broken-backend.ts'

const dead = 'fairness: a dead waiter is skipped'

/** Grants nothing by itself: the first of the queue takes the lock when it looks again. */
class Passive extends Server {
  #turn = false

  override acquire(request: ServerAcquire, link: ServerLink): ServerAnswer {
    const entry = this.entry(request.key)
    const [first] = entry.queue
    this.#turn = first?.request.token === request.token && fits(entry, request)
    if (this.#turn) entry.queue.shift()
    return super.acquire(request, link)
  }

  protected override mayEnter(entry: Entry, request: ServerAcquire): boolean {
    return this.#turn || super.mayEnter(entry, request)
  }

  protected override serve(): void {}
}

/** Who waits, in which order, and what becomes of those who don't come back. */
export const queue: readonly BrokenBackend[] = [
  server(
    'the queue is a stack',
    'fairness: waiters of different clients are served in the order of their arrival',
    class extends Server {
      protected override enqueue(entry: Entry, place: Place): void {
        entry.queue.unshift(place)
      }
    },
  ),
  server(
    'the queue is ordered by the wall clocks of the waiters',
    'fairness: waiters whose wall clocks differ are served in the order of their arrival',
    class extends Server {
      readonly #asked = new WeakMap<Place, number>()

      protected override enqueue(entry: Entry, place: Place): void {
        const asked = (one: Place): number => this.#asked.get(one) ?? 0
        this.#asked.set(place, Date.now())
        entry.queue.push(place)
        entry.queue.sort((a, b) => asked(a) - asked(b))
      }
    },
  ),
  server(
    'a waiter that looks again goes to the end of the queue',
    'fairness: a waiter that looks again keeps its place',
    class extends Server {
      override acquire(request: ServerAcquire, link: ServerLink): ServerAnswer {
        const { queue } = this.entry(request.key)
        const place = queue.findIndex((one) => one.request.token === request.token)
        if (place >= 0) queue.push(...queue.splice(place, 1))
        return super.acquire(request, link)
      }
    },
  ),
  server(
    'a waiter that looks again gets a second place',
    'fairness: a waiter that looks again keeps its place',
    class extends Server {
      override acquire(request: ServerAcquire, link: ServerLink): ServerAnswer {
        const { queue } = this.entry(request.key)
        const place = queue.find((one) => one.request.token === request.token)
        if (place !== undefined) queue.push({ ...place })
        return super.acquire(request, link)
      }
    },
  ),
  server(
    'a wait that wants no place in the queue takes one',
    'fairness: with fair: false a wait takes no place in the queue, and still comes to an end',
    class extends Server {
      override acquire(request: ServerAcquire, link: ServerLink): ServerAnswer {
        return super.acquire({ ...request, waits: request.waits === 'no' ? 'no' : 'queue' }, link)
      }
    },
  ),
  server(
    'a newcomer passes those who wait',
    'fairness: tryAcquire does not overtake a waiter',
    class extends Passive {
      protected override mayEnter(entry: Entry, request: ServerAcquire): boolean {
        return fits(entry, request)
      }
    },
  ),
  server(
    'a dead waiter at the head of the queue blocks all behind it',
    dead,
    class extends Passive {
      protected override enqueue(entry: Entry, place: Place): void {
        super.enqueue(entry, { ...place, aliveUntil: Number.POSITIVE_INFINITY })
      }
    },
  ),
  server(
    'a grant to a waiter that is dead never runs out',
    dead,
    class extends Server {
      protected override claim(): number {
        return Number.POSITIVE_INFINITY
      }
    },
  ),
  server(
    'a grant to a waiter that is dead lasts for the whole ttl',
    dead,
    class extends Server {
      protected override claim({ ttl }: ServerAcquire): number {
        return ttl
      }
    },
  ),
  server(
    'a waiter that does not come back keeps its place',
    'fairness: a waiter that does not call again is no longer counted, while one that does keeps its place',
    class extends Server {
      protected override enqueue(entry: Entry, place: Place): void {
        super.enqueue(entry, { ...place, aliveUntil: Number.POSITIVE_INFINITY })
      }
    },
  ),
  client(
    'a waiter is told to look again when its place has gone',
    'fairness: a waiter that looks again no earlier than it was told to has kept its place',
    (backend) => ({
      async acquire(request) {
        const answer = await backend.acquire(request)
        return answer.outcome === 'busy' ? { ...answer, retryAfter: 2_000 } : answer
      },
    }),
  ),
  client(
    'lost wake-ups are found by polling only',
    'fairness: a release wakes the waiter at once, without waiting for its next look',
    (backend) => ({
      acquire: (request) =>
        backend.acquire({ ...request, wait: request.wait && { ...request.wait, wake: () => undefined } }),
    }),
  ),
  server(
    'cancel leaves the place in the queue',
    'unknown outcome: cancel gives up a place in the queue',
    class extends Server {
      override cancel(key: LockKey, token: string): void {
        this.bury(token)
        const { holds } = this.entry(key)
        if (holds.some((hold) => hold.token === token)) super.release(key, token)
      }
    },
  ),
]
