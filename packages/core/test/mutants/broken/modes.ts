import type { LockKey } from '../../../src/index.ts'
import {
  type Entry,
  fits,
  type Hold,
  type Place,
  type ServerAcquire,
  type ServerAnswer,
  type ServerLink,
} from '../../native-entry.ts'
import { type BrokenBackend, Server, server } from './broken-backend.ts'

/** Changes what is asked of it. */
abstract class Rewriting extends Server {
  protected abstract rewritten(request: ServerAcquire, entry: Entry): ServerAcquire

  override acquire(request: ServerAcquire, link: ServerLink): ServerAnswer {
    return super.acquire(this.rewritten(request, this.entry(request.key)), link)
  }
}

/** Changes what it answers. */
abstract class Retelling extends Server {
  protected abstract told(answer: ServerAnswer): ServerAnswer

  override acquire(request: ServerAcquire, link: ServerLink): ServerAnswer {
    return this.told(super.acquire(request, link))
  }
}

/** Readers, writers and permits. */
export const modes: readonly BrokenBackend[] = [
  server(
    'a reader passes the writers who wait',
    'shared: a reader does not pass a writer who waits',
    class extends Server {
      protected override enqueue(entry: Entry, place: Place): void {
        if (place.request.mode === 'shared') entry.queue.unshift(place)
        else entry.queue.push(place)
      }
    },
  ),
  server(
    'readers enter as long as others are inside: a writer starves',
    'shared: a steady stream of readers does not starve a writer',
    class extends Server {
      protected override mayEnter(entry: Entry, request: ServerAcquire): boolean {
        return request.mode === 'shared' ? fits(entry, request) : super.mayEnter(entry, request)
      }
    },
  ),
  server(
    'a writer enters beside readers',
    'shared: readers hold together, and a writer is kept out until the last of them has gone',
    class extends Server {
      protected override mayEnter(entry: Entry, request: ServerAcquire): boolean {
        return super.mayEnter(entry, request) || entry.holds.every(({ mode }) => mode === 'shared')
      }
    },
  ),
  server(
    'readers enter beside a writer',
    'shared: a writer keeps readers and other writers out, and is the plain lock of that name',
    class extends Server {
      protected override mayEnter(entry: Entry, request: ServerAcquire): boolean {
        return super.mayEnter(entry, request) || request.mode === 'shared'
      }
    },
  ),
  server(
    'readers who wait enter one by one',
    'shared: readers who wait in a row enter together',
    class extends Server {
      protected override serve(entry: Entry): void {
        if (entry.holds.length > 0) return
        const rest = entry.queue.splice(1)
        super.serve(entry)
        entry.queue.push(...rest)
      }
    },
  ),
  server(
    "a reader shortens the others' holds to its own ttl",
    "shared: a reader who joins for a short time does not shorten another's hold",
    class extends Server {
      protected override grant(entry: Entry, request: ServerAcquire, ttl: number): Hold {
        const hold = super.grant(entry, request, ttl)
        for (const other of entry.holds) other.ends = hold.ends
        return hold
      }
    },
  ),
  server(
    "a crashed reader lives on the others' renewals",
    "shared: a crashed reader does not live on another's renewals",
    class extends Server {
      override renew(key: LockKey, token: string, ttl: number, rotateTo: string | undefined): number | undefined {
        const lasts = super.renew(key, token, ttl, rotateTo)
        if (lasts !== undefined) for (const hold of this.entry(key).holds) this.prolong(hold, ttl)
        return lasts
      }
    },
  ),
  server(
    'the release of one reader frees the lock of all',
    "shared: a reader's release or renewal concerns its own hold only",
    class extends Server {
      override release(key: LockKey, token: string): boolean {
        const mine = this.entry(key).holds.some((hold) => hold.token === token)
        return mine ? this.forceRelease(key) : super.release(key, token)
      }
    },
  ),
  server(
    'forceRelease ends the hold of one reader only',
    'shared: forceRelease ends the holds of all readers',
    class extends Server {
      override forceRelease(key: LockKey): boolean {
        const [hold] = this.entry(key).holds
        return hold !== undefined && this.release(key, hold.token)
      }
    },
  ),
  server(
    'a semaphore admits one too many',
    'semaphore: a permit that is taken is not given again until it is released',
    class extends Rewriting {
      protected override rewritten(request: ServerAcquire): ServerAcquire {
        return request.mode === 'semaphore' ? { ...request, permits: request.permits + 1 } : request
      }
    },
  ),
  server(
    'an acquire repeated with its token takes a second permit',
    'semaphore: an acquire repeated with its token takes no second permit',
    class extends Server {
      override acquire(request: ServerAcquire, link: ServerLink): ServerAnswer {
        const { holds } = this.entry(request.key)
        const mine = holds.find(({ token }) => token === request.token)
        if (mine !== undefined && holds.length < request.permits) holds.push({ ...mine })
        return super.acquire(request, link)
      }
    },
  ),
  server(
    'the permit of a dead holder is never given again',
    'semaphore: a permit whose holder died is given to another after its ttl, while the others keep theirs',
    class extends Server {
      protected override lives(hold: Hold): boolean {
        return hold.mode === 'semaphore' || super.lives(hold)
      }
    },
  ),
  server(
    'another number of permits is taken for the same semaphore',
    'semaphore: another number of permits is LOCK_MISMATCH while the semaphore is in use, and fine afterwards',
    class extends Rewriting {
      protected override rewritten(request: ServerAcquire, { holds: [hold] }: Entry): ServerAcquire {
        return { ...request, permits: hold?.permits ?? request.permits }
      }
    },
  ),
  server(
    'a mismatch is answered as busy',
    'semaphore: using a name as a lock and as a semaphore at the same time is LOCK_MISMATCH, either way',
    class extends Retelling {
      protected override told(answer: ServerAnswer): ServerAnswer {
        return answer.outcome === 'mismatch' ? { outcome: 'busy', lookAgain: 1_000, holder: undefined } : answer
      }
    },
  ),
  server(
    'busy is answered as a mismatch',
    'exclusion: tryAcquire is null while another client holds, and not after its release',
    class extends Retelling {
      protected override told(answer: ServerAnswer): ServerAnswer {
        return answer.outcome === 'busy' ? { outcome: 'mismatch', usedAs: 'something else' } : answer
      }
    },
  ),
]
