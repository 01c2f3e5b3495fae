import type { KeyRequest, LockKey } from '../../../src/index.ts'
import { ForgetfulBackend } from '../../forgetful-server.ts'
import type { Hold, ServerAcquire } from '../../native-entry.ts'
import { type BrokenBackend, client, nativeTarget, Server, server } from './broken-backend.ts'

/** Gives up before core does, and can then answer what it likes. */
const hasty = <Request extends { readonly timeout: number }>(request: Request): Request => ({
  ...request,
  timeout: request.timeout / 2,
})

/** What cannot be known, what comes late, and what has to be taken back. */
export const failure: readonly BrokenBackend[] = [
  client(
    'acquire looks first and takes afterwards, in two steps',
    'exclusion: of attempts made at the same moment at most one is granted',
    (backend) => ({
      async acquire(request) {
        const { holders } = await backend.inspect(request)
        if (holders.length === 0) await backend.forceRelease(request)
        return backend.acquire(request)
      },
    }),
  ),
  client(
    'an outage reads as free',
    'outage: locked, inspect and forceRelease reject with LOCK_BACKEND while the backend hangs, never with false',
    (backend) => ({
      inspect: (request) => backend.inspect(hasty(request)).catch(() => ({ holders: [], waiters: 0 })),
    }),
  ),
  client(
    'an outage reads as nothing to break',
    'outage: locked, inspect and forceRelease reject with LOCK_BACKEND while the backend hangs, never with false',
    (backend) => ({ forceRelease: (request) => backend.forceRelease(hasty(request)).catch(() => false) }),
  ),
  client(
    'an outage reads as nothing to list',
    'outage: list rejects with LOCK_BACKEND while the backend hangs',
    (backend) => ({ list: (request) => backend.list(hasty(request)).catch(() => []) }),
  ),
  client(
    'an outage reads as busy',
    'outage: acquire and tryAcquire reject with LOCK_BACKEND within requestTimeout while the backend hangs',
    (backend) => ({
      acquire: (request) =>
        backend.acquire(hasty(request)).catch(() => ({ outcome: 'busy', retryAfter: 1_000 }) as const),
    }),
  ),
  client(
    'an outage reads as lost',
    'outage: a holder keeps its lease through an outage that is shorter than its ttl',
    (backend) => ({ renew: (request) => backend.renew(hasty(request)).catch(() => ({ outcome: 'lost' }) as const) }),
  ),
  client(
    'a release that fails is taken for done',
    "using: a release that fails rejects with LOCK_BACKEND and carries the body's result",
    (backend) => ({ release: (request) => backend.release(hasty(request)).catch(() => true) }),
  ),
  client(
    'only a grant that was heard of is taken back',
    'unknown outcome: a lost reply of acquire leaves no hold behind',
    (backend) => {
      const heard = new Set<string>()
      return {
        async acquire(request) {
          const answer = await backend.acquire(request)
          heard.add(request.token)
          return answer
        },
        cancel: (request) => (heard.has(request.token) ? backend.cancel(request) : Promise.resolve()),
      }
    },
  ),
  server(
    'cancel gives up the place in the queue, but not a grant',
    'abort: attempts that are aborted under way leave no hold behind, however far they have got',
    class extends Server {
      override cancel(key: LockKey, token: string): void {
        this.bury(token)
        const entry = this.entry(key)
        entry.queue = entry.queue.filter(({ request }) => request.token !== token)
      }
    },
  ),
  server(
    'a request that arrives late is carried out',
    'unknown outcome: requests that arrive late, of whatever step, leave nothing behind',
    class extends Server {
      protected override stale(): boolean {
        return false
      }
    },
  ),
  {
    flaw: 'what a request that arrives late takes is kept',
    caughtBy: 'unknown outcome: what a request that arrives late takes ends with its ttl',
    sound: 'forgetful',
    target: () =>
      nativeTarget(
        class extends Server {
          readonly #late = new Set<string>()

          protected override stale(request: ServerAcquire): boolean {
            if (super.stale(request)) this.#late.add(request.token)
            return false
          }

          protected override lives(hold: Hold): boolean {
            return this.#late.has(hold.token) || super.lives(hold)
          }
        },
        () => ({ capabilities: ForgetfulBackend.capabilities }),
      ),
  },
  server(
    'a cancel that overtakes its acquire is forgotten',
    'unknown outcome: cancel while the acquire is under way leaves nothing behind',
    class extends Server {
      protected override bury(): void {}
    },
  ),
  server(
    'a restart forgets who holds',
    'exclusion: a held lock stays held across a restart of the server',
    class extends Server {
      #started = 0

      override restart(): void {
        this.#started = this.now()
      }

      protected override lives(hold: Hold): boolean {
        return hold.since >= this.#started && super.lives(hold)
      }
    },
  ),
  server(
    'the holds of a connection end with it',
    'exclusion: a held lock stays held while connections are cut',
    class extends Server {
      #cut = 0

      override disconnected(): void {
        this.#cut = this.now()
      }

      protected override lives(hold: Hold): boolean {
        return hold.since >= this.#cut && super.lives(hold)
      }
    },
  ),
  client(
    'a client that failed once fails for ever',
    'outage: once the backend answers again, so do its clients',
    (backend) => {
      let failure: Promise<never> | undefined
      return {
        acquire: (request) => {
          const answer = failure ?? backend.acquire(hasty(request))
          answer.catch((error: unknown) => {
            failure = Promise.reject(error)
            failure.catch(() => undefined)
          })
          return answer
        },
      }
    },
  ),
  client(
    'what is held is looked up in a cache',
    'exclusion: locked() is true for everybody from the grant to the release',
    (backend) => {
      const cache = new Map<string, ReturnType<typeof backend.inspect>>()
      return {
        inspect: (request: KeyRequest) => {
          const { id } = request.key
          const cached = cache.get(id) ?? backend.inspect(request)
          if (!cache.has(id)) setTimeout(() => cache.delete(id), 500).unref()
          cache.set(id, cached)
          return cached
        },
      }
    },
  ),
]
