import type { LockKey } from '../../../src/index.ts'
import type { Entry, Hold, ServerAcquire, ServerAnswer, ServerLink } from '../../native-entry.ts'
import { type BrokenBackend, Server, server } from './broken-backend.ts'

/** A server that takes some secrets for others. */
abstract class Confusing extends Server {
  protected abstract same(one: string, other: string): boolean

  #owned(key: LockKey, token: string): string {
    return this.entry(key).holds.find((hold) => this.same(hold.token, token))?.token ?? token
  }

  override release(key: LockKey, token: string): boolean {
    return super.release(key, this.#owned(key, token))
  }

  override renew(key: LockKey, token: string, ttl: number, rotateTo: string | undefined): number | undefined {
    return super.renew(key, this.#owned(key, token), ttl, rotateTo)
  }
}

const oneOwnerForAnother = 'ownership: tokens that differ in one character, or in case only, are different owners'
const forged = 'ownership: a forged token can neither release nor renew'

/** Who may release, renew and break. */
export const ownership: readonly BrokenBackend[] = [
  server(
    "a lapsed owner releases its successor's lock",
    "ownership: a lapsed owner cannot release or renew its successor's lock",
    class extends Server {
      readonly #granted = new Set<string>()

      protected override grant(entry: Entry, request: ServerAcquire, ttl: number): Hold {
        this.#granted.add(request.token)
        return super.grant(entry, request, ttl)
      }

      override release(key: LockKey, token: string): boolean {
        return this.#granted.has(token) ? this.forceRelease(key) : super.release(key, token)
      }
    },
  ),
  server(
    'release does not ask whose hold it ends',
    forged,
    class extends Server {
      override release(key: LockKey): boolean {
        return this.forceRelease(key)
      }
    },
  ),
  server(
    'renew does not ask whose hold it lengthens',
    forged,
    class extends Server {
      override renew(key: LockKey, token: string, ttl: number, rotateTo: string | undefined): number | undefined {
        const [hold] = this.entry(key).holds
        return super.renew(key, hold?.token ?? token, ttl, rotateTo)
      }
    },
  ),
  server(
    'the public owner id passes for the secret',
    'ownership: the public owner id gives no power over the lock',
    class extends Server {
      override release(key: LockKey, token: string): boolean {
        const hold = this.entry(key).holds.find(({ owner }) => owner === token)
        return super.release(key, hold?.token ?? token)
      }
    },
  ),
  server(
    'secrets are cut off after 20 characters',
    oneOwnerForAnother,
    class extends Confusing {
      protected override same(one: string, other: string): boolean {
        return one.slice(0, 20) === other.slice(0, 20)
      }
    },
  ),
  server(
    'secrets are compared without regard to case',
    oneOwnerForAnother,
    class extends Confusing {
      protected override same(one: string, other: string): boolean {
        return one.toLowerCase() === other.toLowerCase()
      }
    },
  ),
  server(
    'a connection is an owner: its second acquire adopts the first',
    'exclusion: a lock object finds itself held, too: it is not re-entrant',
    class extends Server {
      readonly #links = new Map<string, ServerLink>()

      override acquire(request: ServerAcquire, link: ServerLink): ServerAnswer {
        const mine = this.entry(request.key).holds.find(({ token }) => this.#links.get(token) === link)
        this.#links.set(request.token, link)
        return super.acquire({ ...request, token: mine?.token ?? request.token }, link)
      }
    },
  ),
  server(
    'release answers true whatever it found',
    'ownership: a hold is released once: the second release finds nothing',
    class extends Server {
      override release(key: LockKey, token: string): boolean {
        super.release(key, token)
        return true
      }
    },
  ),
  server(
    'forceRelease answers true where nobody holds',
    'ownership: forceRelease is false where nobody holds',
    class extends Server {
      override forceRelease(key: LockKey): boolean {
        super.forceRelease(key)
        return true
      }
    },
  ),
  server(
    'forceRelease leaves a hold that nobody owns',
    'ownership: forceRelease ends the hold of whoever has it; the former holder learns of it',
    class extends Server {
      override forceRelease(key: LockKey): boolean {
        const { holds } = this.entry(key)
        for (const hold of holds) hold.token = ''
        return holds.length > 0
      }
    },
  ),
  server(
    'forceRelease leaves the queue stuck',
    'ownership: forceRelease lets the next waiter in',
    class extends Server {
      #stuck = false

      override forceRelease(key: LockKey): boolean {
        this.#stuck = true
        return super.forceRelease(key)
      }

      protected override serve(entry: Entry): void {
        if (!this.#stuck) super.serve(entry)
      }
    },
  ),
]
