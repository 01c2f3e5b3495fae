import type { LockKey } from '../../../src/index.ts'
import type { Entry, Hold, ServerAcquire } from '../../native-entry.ts'
import { type BrokenBackend, Server, server } from './broken-backend.ts'

const KEPT = 16
const rising = 'fencing: tokens rise from grant to grant, whoever gets them'

/** What the fencing tokens begin with, and what becomes of them on their way to the client. */
abstract class Imprecise extends Server {
  protected abstract readonly first: bigint
  protected abstract shown(fence: bigint): bigint

  protected override grant(entry: Entry, request: ServerAcquire, ttl: number): Hold {
    if (entry.fence < this.first) entry.fence = this.first
    const hold = super.grant(entry, request, ttl)
    return { ...hold, fence: this.shown(hold.fence) }
  }
}

export const fencing: readonly BrokenBackend[] = [
  server(
    'fencing tokens start again once the lock was free',
    rising,
    class extends Server {
      protected override raised(): bigint {
        return 0n
      }
    },
  ),
  server(
    'fencing tokens are floats: they repeat beyond 2^53',
    rising,
    class extends Imprecise {
      protected override readonly first = 10n ** 18n
      protected override shown(fence: bigint): bigint {
        return BigInt(Number(fence))
      }
    },
  ),
  server(
    'fencing tokens are written with 14 digits',
    rising,
    class extends Imprecise {
      protected override readonly first = 1_750_000_000_000_000n
      protected override shown(fence: bigint): bigint {
        return BigInt(Number(Number(fence).toPrecision(14)))
      }
    },
  ),
  server(
    'fencing tokens start again after an expiry',
    'fencing: tokens rise over an expiry',
    class extends Server {
      #expired = false

      protected override lives(hold: Hold): boolean {
        const lives = super.lives(hold)
        if (!lives) this.#expired = true
        return lives
      }

      protected override grant(entry: Entry, request: ServerAcquire, ttl: number): Hold {
        if (this.#expired) entry.fence = 0n
        return super.grant(entry, request, ttl)
      }
    },
  ),
  server(
    'fencing tokens start again after forceRelease',
    'fencing: tokens rise over forceRelease',
    class extends Server {
      override forceRelease(key: LockKey): boolean {
        this.entry(key).fence = 0n
        return super.forceRelease(key)
      }
    },
  ),
  server(
    'fencing tokens start again once the counter of a free lock was pruned',
    'fencing: the tokens of a lock go on where they were after many other locks were used',
    class extends Server {
      readonly #last = new Map<string, bigint>()

      protected override raised(): bigint {
        return 0n
      }

      protected override grant(entry: Entry, request: ServerAcquire, ttl: number): Hold {
        const { id } = request.key
        const last = this.#last.get(id) ?? 0n
        if (entry.fence < last) entry.fence = last
        const hold = super.grant(entry, request, ttl)
        this.#last.delete(id)
        this.#last.set(id, entry.fence)
        const [oldest = ''] = this.#last.keys()
        if (this.#last.size > KEPT) this.#last.delete(oldest)
        return hold
      }
    },
  ),
  server(
    'fencing tokens start again with the server',
    'fencing: tokens rise over a restart of the server',
    class extends Server {
      #restarted = false

      override restart(): void {
        this.#restarted = true
      }

      protected override grant(entry: Entry, request: ServerAcquire, ttl: number): Hold {
        if (this.#restarted) entry.fence = 0n
        return super.grant(entry, request, ttl)
      }
    },
  ),
  server(
    'the fencing token of a grant that was taken back is granted again',
    'fencing: tokens rise over a grant that was taken back',
    class extends Server {
      override cancel(key: LockKey, token: string): void {
        const entry = this.entry(key)
        const hold = entry.holds.find((one) => one.token === token)
        if (hold !== undefined) entry.fence = hold.fence - 1n
        super.cancel(key, token)
      }
    },
  ),
  server(
    'reserved fencing tokens are granted to the next holder',
    'fencing: reserved tokens are granted to nobody else',
    class extends Server {
      protected override grant(entry: Entry, request: ServerAcquire, ttl: number): Hold {
        return super.grant(entry, { ...request, tokens: 1 }, ttl)
      }
    },
  ),
  server(
    'fencing tokens that a waiter reserved are granted to the next holder',
    'fencing: tokens reserved by a waiter are granted to nobody else',
    class extends Server {
      protected override enqueue(...[entry, place]: Parameters<Server['enqueue']>): void {
        super.enqueue(entry, { ...place, request: { ...place.request, tokens: 1 } })
      }
    },
  ),
  server(
    'readers at the same time have one fencing token',
    'fencing: holders at the same time have tokens of their own, in the order of their grants',
    class extends Server {
      protected override grant(entry: Entry, request: ServerAcquire, ttl: number): Hold {
        if (entry.holds.length > 0) entry.fence -= 1n
        return super.grant(entry, request, ttl)
      }
    },
  ),
  server(
    'each mode counts fencing tokens of its own',
    'fencing: tokens rise from mode to mode',
    class extends Server {
      readonly #fences = new Map<string, bigint>()

      protected override grant(entry: Entry, request: ServerAcquire, ttl: number): Hold {
        const counter = `${request.mode} ${request.key.id}`
        entry.fence = this.#fences.get(counter) ?? 0n
        const hold = super.grant(entry, request, ttl)
        this.#fences.set(counter, entry.fence)
        return hold
      }
    },
  ),
]
