import { block } from '../../../src/conformance/time.ts'
import { type Instant, LockBackendError, type LockKey, systemRuntime } from '../../../src/index.ts'
import type { Entry, Hold, ServerAcquire, ServerAnswer, ServerLink } from '../../native-entry.ts'
import { type BrokenBackend, client, nativeTarget, Server, server } from './broken-backend.ts'

const replaced = 'expiry: a holder that does not renew is replaced by a later tryAcquire, not before its ttl is over'

/** Grants for ever at first; the ttl comes in a second step. */
class TwoSteps extends Server {
  readonly #unlimited = new Map<string, Hold>()

  protected override grant(entry: Entry, request: ServerAcquire): Hold {
    const hold = super.grant(entry, request, Number.POSITIVE_INFINITY)
    this.#unlimited.set(hold.token, hold)
    return hold
  }

  limit(token: string, ttl: number): void {
    const hold = this.#unlimited.get(token)
    if (hold !== undefined) hold.ends = this.now() + ttl
  }
}

/** When a hold ends, and when its holder thinks that it does. */
export const time: readonly BrokenBackend[] = [
  server(
    'a hold runs out 100 ms early',
    replaced,
    class extends Server {
      protected override lives({ ends }: Hold): boolean {
        return ends - 100 > this.now()
      }
    },
  ),
  server(
    'the ttl of a grant is cut to whole seconds',
    'expiry: a hold whose ttl is no whole number of seconds lasts as long as that says',
    class extends Server {
      protected override grant(entry: Entry, request: ServerAcquire, ttl: number): Hold {
        return super.grant(entry, request, ttl < 1_000 ? ttl : Math.floor(ttl / 1_000) * 1_000)
      }
    },
  ),
  server(
    'the ttl of a renewal is cut to whole seconds',
    'renewal: a renewal whose ttl is no whole number of seconds lasts as long as that says',
    class extends Server {
      protected override prolong(hold: Hold, ttl: number): void {
        super.prolong(hold, ttl < 1_000 ? ttl : Math.floor(ttl / 1_000) * 1_000)
      }
    },
  ),
  server(
    'the ttl is never below a default of 30 s',
    replaced,
    class extends Server {
      protected override grant(entry: Entry, request: ServerAcquire, ttl: number): Hold {
        return super.grant(entry, request, Math.max(ttl, 30_000))
      }
    },
  ),
  {
    flaw: 'the ttl of a grant is set in a second step',
    caughtBy: 'unknown outcome: a hold of which nobody heard runs out with its ttl',
    target: () =>
      nativeTarget(TwoSteps, (backend, broken) => ({
        async acquire(request) {
          const answer = await backend.acquire(request)
          if (answer.outcome === 'granted') broken.limit(request.token, request.ttl)
          return answer
        },
      })),
  },
  server(
    'expiry is judged by the wall clock of who looks',
    'expiry: however the wall clock of a contender is set, a hold ends with its ttl',
    class extends Server {
      override now(): number {
        return Date.now()
      }
    },
  ),
  server(
    'who looks at a lock lengthens its hold',
    'expiry: looking at a lock does not lengthen its hold',
    class extends Server {
      override inspect(key: LockKey): ReturnType<Server['inspect']> {
        for (const hold of this.entry(key).holds) this.prolong(hold, 1_000)
        return super.inspect(key)
      }
    },
  ),
  server(
    'a hold that ran out is shown until somebody takes the lock',
    'expiry: a hold that ran out is no longer shown',
    class extends Server {
      #inspecting = false

      override inspect(key: LockKey): ReturnType<Server['inspect']> {
        this.#inspecting = true
        const state = super.inspect(key)
        this.#inspecting = false
        return state
      }

      protected override lives(hold: Hold): boolean {
        return this.#inspecting || super.lives(hold)
      }
    },
  ),
  server(
    'a hold that ran out is noticed by a first look, and gone for the second',
    'expiry: one single tryAcquire takes over from a holder that died some time ago',
    class extends Server {
      readonly #noticed = new WeakSet<Hold>()

      protected override lives(hold: Hold): boolean {
        if (super.lives(hold)) return true
        const isNew = !this.#noticed.has(hold)
        this.#noticed.add(hold)
        return isNew
      }
    },
  ),
  server(
    'renew shortens the hold',
    'renewal: a renewal never shortens the hold',
    class extends Server {
      protected override prolong(hold: Hold, ttl: number): void {
        hold.ends = this.now() + ttl
      }
    },
  ),
  server(
    'renew revives a hold that ran out',
    'renewal: a renewal of a hold that ran out is lost, even if nobody has taken the lock',
    class extends Server {
      #renewing = false

      override renew(key: LockKey, token: string, ttl: number, rotateTo: string | undefined): number | undefined {
        this.#renewing = true
        const lasts = super.renew(key, token, ttl, rotateTo)
        this.#renewing = false
        return lasts
      }

      protected override lives(hold: Hold): boolean {
        return this.#renewing || super.lives(hold)
      }
    },
  ),
  server(
    'renew takes the lock where nobody holds it',
    'renewal: a holder whose lock was broken learns of it by its next automatic renewal',
    class extends Server {
      override renew(key: LockKey, token: string, ttl: number, rotateTo: string | undefined): number | undefined {
        return super.renew(key, token, ttl, rotateTo) ?? this.#take(key, token, ttl)
      }

      #take(key: LockKey, token: string, ttl: number): number | undefined {
        const use = { owner: 'me', mode: 'exclusive', permits: 1, metadata: '', tokens: 1, waits: 'no' } as const
        const request = { ...use, key, token, ttl, notAfter: Number.POSITIVE_INFINITY }
        return this.acquire(request, {} as ServerLink).outcome === 'granted' ? ttl : undefined
      }
    },
  ),
  server(
    'a permanent hold is one of 2^31 ms',
    'renewal: a permanent lease has no deadline, and ends when it is released',
    class extends Server {
      protected override prolong(hold: Hold, ttl: number): void {
        super.prolong(hold, Math.min(ttl, 2 ** 31 - 1))
      }
    },
  ),
  client('a ttl that is no whole number is refused', 'capabilities: a ttl with a fraction is possible', (backend) => ({
    acquire: (request) =>
      Number.isInteger(request.ttl)
        ? backend.acquire(request)
        : Promise.reject(new LockBackendError('ERR value is not an integer or out of range')),
  })),
  client(
    'a grant counts from its answer',
    'local deadline: a grant counts from the moment before its request, not from the answer',
    (backend) => ({
      async acquire(request) {
        const answer = await backend.acquire(request)
        return { ...answer, since: systemRuntime.now() }
      },
    }),
  ),
  client(
    'a renewal counts from its answer',
    'renewal: a renewal counts from its send, not from its answer',
    (backend) => ({
      async renew(request) {
        const answer = await backend.renew(request)
        return { ...answer, since: systemRuntime.now() }
      },
    }),
  ),
  client(
    'a pushed grant counts from its arrival',
    'local deadline: a grant that is pushed counts from the grant, not from its arrival',
    (backend) => ({
      acquire: ({ wait, ...request }) => {
        const arrived = (): Instant => systemRuntime.now()
        const wake: typeof wait = wait && {
          ...wait,
          wake: (grant) => wait.wake(grant && { ...grant, since: arrived() }),
        }
        return backend.acquire({ ...request, wait: wake })
      },
    }),
  ),
  client(
    'a grant is said to last longer than it does',
    'local deadline: held is false and the signal aborted before a waiter can get in',
    (backend) => ({
      async acquire(request) {
        const answer = await backend.acquire(request)
        return answer.outcome === 'granted' ? { ...answer, ttl: 1.5 * answer.ttl } : answer
      },
    }),
  ),
  client(
    'a renewal is said to last longer than it does',
    'local deadline: a client that is cut off has lost its lease before another gets it',
    (backend) => ({
      async renew(request) {
        const answer = await backend.renew(request)
        return answer.outcome === 'renewed' ? { ...answer, ttl: 2 * answer.ttl } : answer
      },
    }),
  ),
  client(
    'renew blocks the process until it is answered',
    'local deadline: a lease ends in time though the backend hangs and a renewal is under way',
    (backend) => ({
      renew: (request) => {
        block(1_000)
        return backend.renew(request)
      },
    }),
  ),
  server(
    'a repeated acquire does not arm the ttl anew',
    'unknown outcome: an acquire repeated with its token arms the ttl anew',
    class extends Server {
      protected override adopt({ fence, ends }: Hold): ServerAnswer {
        return { outcome: 'granted', fencingToken: fence, ttl: ends - this.now() }
      }
    },
  ),
  server(
    'a repeated acquire shortens the hold',
    'unknown outcome: an acquire repeated with a shorter ttl does not shorten the hold',
    class extends Server {
      protected override adopt(hold: Hold, request: ServerAcquire): ServerAnswer {
        hold.ends = this.now() + request.ttl
        return { outcome: 'granted', fencingToken: hold.fence, ttl: request.ttl }
      }
    },
  ),
]
