import { wrapped } from '../src/conformance/expect.ts'
import type { ConformanceTarget } from '../src/conformance/index.ts'
import type { HolderState, LockBackend, LockKey } from '../src/index.ts'
import { NativeBackend } from './native-backend.ts'
import { type Entry, fits, type Hold, type Place, type ServerAcquire, type ServerAnswer } from './native-entry.ts'
import { NativeServer } from './native-server.ts'
import { Network } from './network.ts'

/** A backend with one rule broken, and the case that must say so. */
export interface Broken {
  readonly flaw: string
  readonly caughtBy: string
  target(): ConformanceTarget
}

function target(network: Network, connect: () => LockBackend): ConformanceTarget {
  return { name: 'broken', capabilities: NativeBackend.capabilities, connect, faults: network, latency: 1, ttl: 200 }
}

/** The server breaks a rule. */
const server = (flaw: string, caughtBy: string, Server: new (network: Network) => NativeServer): Broken => ({
  flaw,
  caughtBy,
  target: () => {
    const network = new Network()
    const broken = new Server(network)
    return target(network, () => new NativeBackend(broken))
  },
})

/** The client breaks a rule. */
const client = (flaw: string, caughtBy: string, damage: (backend: LockBackend) => Partial<LockBackend>): Broken => ({
  flaw,
  caughtBy,
  target: () => {
    const network = new Network()
    const sound = new NativeServer(network)
    return target(network, () => {
      const backend = new NativeBackend(sound)
      return wrapped(backend, damage(backend))
    })
  },
})

export const brokenBackends: readonly Broken[] = [
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
  server(
    'a lapsed owner releases whatever hold there is',
    "ownership: a lapsed owner cannot release or renew its successor's lock",
    class extends NativeServer {
      override release(key: LockKey): boolean {
        return this.forceRelease(key)
      }
    },
  ),
  server(
    'fencing tokens start again once the lock was free',
    'fencing: tokens rise from grant to grant, whoever gets them',
    class extends NativeServer {
      protected override raised(): bigint {
        return 0n
      }
    },
  ),
  server(
    'reserved fencing tokens are granted to the next holder',
    'fencing: reserved tokens are granted to nobody else',
    class extends NativeServer {
      protected override grant(entry: Entry, request: ServerAcquire, ttl: number): Hold {
        return super.grant(entry, { ...request, tokens: 1 }, ttl)
      }
    },
  ),
  server(
    'a grant to a waiter that is dead never runs out',
    'fairness: a dead waiter is skipped',
    class extends NativeServer {
      protected override claim(): number {
        return Number.POSITIVE_INFINITY
      }
    },
  ),
  server(
    'the queue is a stack',
    'fairness: waiters of different clients are served in the order of their arrival',
    class extends NativeServer {
      protected override enqueue(entry: Entry, place: Place): void {
        entry.queue.unshift(place)
      }
    },
  ),
  server(
    'a reader passes the writers who wait',
    'shared: a reader does not pass a writer who waits',
    class extends NativeServer {
      protected override mayEnter(entry: Entry, request: ServerAcquire): boolean {
        return fits(entry, request)
      }
    },
  ),
  server(
    'cancel leaves the place in the queue',
    'unknown outcome: cancel gives up a place in the queue',
    class extends NativeServer {
      override cancel(key: LockKey, token: string): void {
        this.bury(token)
        const { holds } = this.entry(key)
        if (holds.some((hold) => hold.token === token)) super.release(key, token)
      }
    },
  ),
  server(
    'a request that arrives late is carried out',
    'unknown outcome: requests that arrive late, of whatever step, leave nothing behind',
    class extends NativeServer {
      protected override stale(): boolean {
        return false
      }
    },
  ),
  server(
    'a repeated acquire does not arm the ttl anew',
    'unknown outcome: an acquire repeated with its token arms the ttl anew',
    class extends NativeServer {
      protected override adopt({ fence, ends }: Hold): ServerAnswer {
        return { outcome: 'granted', fencingToken: fence, ttl: ends - this.now() }
      }
    },
  ),
  server(
    'renew shortens the hold',
    'renewal: a renewal never shortens the hold',
    class extends NativeServer {
      protected override prolong(hold: Hold, ttl: number): void {
        hold.ends = this.now() + ttl
      }
    },
  ),
  server(
    'renew revives a hold that ran out',
    'renewal: a renewal of a hold that ran out is lost, even if nobody has taken the lock',
    class extends NativeServer {
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
    'a hold runs out a little early',
    'expiry: a holder that does not renew is replaced by a later tryAcquire, not before its ttl is over',
    class extends NativeServer {
      protected override lives({ ends }: Hold): boolean {
        return ends - 20 > this.now()
      }
    },
  ),
  client(
    'a grant counts from its answer',
    'local deadline: a grant counts from the moment before its request, not from the answer',
    (backend) => ({
      async acquire(request) {
        const answer = await backend.acquire(request)
        return { ...answer, since: { mono: performance.now(), wall: Date.now() } }
      },
    }),
  ),
  client(
    'an outage reads as free',
    'outage: locked, inspect and forceRelease reject with LOCK_BACKEND while the backend hangs, never with false',
    (backend) => ({
      inspect: (request) =>
        backend.inspect({ ...request, timeout: request.timeout / 2 }).catch(() => ({ holders: [], waiters: 0 })),
    }),
  ),
  client(
    'an outage reads as busy',
    'outage: acquire and tryAcquire reject with LOCK_BACKEND within requestTimeout while the backend hangs',
    (backend) => ({
      acquire: (request) =>
        backend
          .acquire({ ...request, timeout: request.timeout / 2 })
          .catch(() => ({ outcome: 'busy', retryAfter: 1_000 }) as const),
    }),
  ),
  server(
    'names that differ in case only are one',
    'names: names that differ in case or in Unicode normalization only are different locks',
    class extends NativeServer {
      protected override address(key: LockKey): string {
        return key.id.toLowerCase()
      }
    },
  ),
  server(
    'namespace and name are run together',
    'names: two pairs of namespace and name never collide',
    class extends NativeServer {
      protected override address({ namespace, name }: LockKey): string {
        return namespace === '' ? name : `${namespace}:${name}`
      }
    },
  ),
  server(
    'inspect shows the secret token',
    'inspection: the secret token is shown nowhere: not to who inspects, lists or is refused',
    class extends NativeServer {
      protected override describe(hold: Hold): HolderState {
        return { ...super.describe(hold), metadata: hold.token }
      }
    },
  ),
  client('list names whatever was ever used', 'residue: names that nobody uses any more are not listed', (backend) => {
    const used = new Set<string>()
    return {
      acquire: (request) => {
        used.add(request.key.name)
        return backend.acquire(request)
      },
      list: ({ prefix }) => Promise.resolve([...used].filter((name) => name.startsWith(prefix)).sort()),
    }
  }),
  server(
    'a rotated secret stays valid',
    'hand-over: a rotation makes the old secret void in the same step, and can be repeated',
    class extends NativeServer {
      override renew(key: LockKey, token: string, ttl: number): number | undefined {
        return super.renew(key, token, ttl, undefined)
      }
    },
  ),
  client(
    'close leaves a timer running',
    'residue: after release and close nothing of the backend keeps the process alive',
    (backend) => {
      const timer = setInterval(() => undefined, 1_000)
      return {
        close: async () => {
          await backend.close()
          setTimeout(() => clearInterval(timer), 10_000).unref()
        },
      }
    },
  ),
  client(
    'lost wake-ups are found by polling only',
    'fairness: a release wakes the waiter at once, without waiting for its next look',
    (backend) => ({
      acquire: (request) =>
        backend.acquire({ ...request, wait: request.wait && { ...request.wait, wake: () => undefined } }),
    }),
  ),
]
