import type { AcquireRequest, Lease, LeaseMode } from '../../src/index.ts'
import type { Process } from './process.ts'
import type { Manner, Scenario } from './scenario.ts'
import type { World } from './world.ts'

/** One secret's way through the backend, as an observer between core and the backend sees it. */
export interface Root {
  readonly owner: string
  readonly key: string
  readonly process: Process
  readonly mode: LeaseMode
  readonly permits: number
  readonly ttl: number
  readonly tokens: number
  /** The secret, which an attachment changes. */
  token: string
  /** True times: of the first question, of the first answer that told of a place in the queue, of the first lease. */
  readonly askedAt: number
  /** The highest fencing token that anybody had been given when it first asked. */
  readonly floor: bigint
  queuedAt: number
  grantedAt: number
  /** The fencing token of the first lease. */
  fence: bigint | undefined
  leases: number
  /** It was asked to be taken back, or given up. */
  leavingAt: number
  /** The backend has confirmed that nothing of it is left. */
  clearedAt: number
  /** The last moment at which the backend may still keep it, if nothing else happens; Infinity: for ever. */
  until: number
  /** It was one attempt, and told that the lock is busy. */
  idle: boolean
  /** The longest ttl that it ever asked for. */
  longest: number
  /** Why nobody may have been able to tell the backend that it is over. */
  excuse: string | undefined
  /** Questions of it that are under way, and whether a renewal was ever sent. */
  asking: number
  renewed: boolean
  /** Renewals under way, and when one last came to an end, good or bad. */
  renewals: number
  renewedAt: number
}

/** A lease that a task got. */
export interface Entry {
  readonly lease: Lease
  readonly root: Root
  readonly process: Process
  readonly task: string
  readonly manner: Manner
  readonly attached: boolean
  readonly grantedAt: number
  /** Its deadline, on the two clocks of its process, as of the last look. */
  mono: number
  wall: number
  /** The task has begun to give it up. */
  leaving: boolean
  lostAt: number | undefined
  /** The answer of its first release. */
  released: boolean | undefined
  /** A task has renewed it by hand. */
  renewed: boolean
  /** Somebody has seen with `held` that it is not held any more. */
  seenOver: boolean
}

/** A lease that a task was just given, and how it asked for it. */
export interface Granting {
  readonly process: Process
  readonly task: string
  readonly lease: Lease
  readonly manner: Manner
  /** When the task asked, in true time. */
  readonly asked: number
  /** The highest fencing token that anybody had been given by then. */
  readonly floor: bigint
}

/** A time in which somebody broke a lock. */
export interface Break {
  readonly key: string
  readonly from: number
  to: number
}

/** What the observers know of each key: every secret, every lease, and every break. */
export class Ledger {
  readonly roots: Map<string, Root> = new Map()
  readonly #byToken = new Map<string, Root>()
  readonly entries: Entry[] = []
  readonly breaks: Break[] = []
  /** Whether expiry is found by watching. */
  readonly observed: boolean

  constructor(observed: boolean) {
    this.observed = observed
  }

  rootOf(request: AcquireRequest, process: Process, floor: bigint): Root {
    const known = this.roots.get(request.owner)
    if (known !== undefined) return known
    const { owner, key, mode, permits, ttl, tokens, token } = request
    const root: Root = {
      owner,
      key: key.name,
      process,
      mode,
      permits,
      ttl,
      tokens,
      token,
      askedAt: process.world.now,
      floor,
      queuedAt: Number.POSITIVE_INFINITY,
      grantedAt: Number.POSITIVE_INFINITY,
      fence: undefined,
      leases: 0,
      leavingAt: Number.POSITIVE_INFINITY,
      clearedAt: Number.POSITIVE_INFINITY,
      until: 0,
      idle: false,
      longest: ttl,
      excuse: undefined,
      asking: 0,
      renewed: false,
      renewals: 0,
      renewedAt: 0,
    }
    this.roots.set(owner, root)
    this.#byToken.set(token, root)
    return root
  }

  byToken(token: string): Root | undefined {
    return this.#byToken.get(token)
  }

  rotated(root: Root, token: string): void {
    root.token = token
    this.#byToken.set(token, root)
  }

  /** Whether a break of its lock may have ended this hold, or a later one of the same owner. */
  broken(root: Root): boolean {
    return this.breaks.some(({ key, to }) => key === root.key && root.askedAt <= to)
  }

  /** Looks where a lease's deadline is now. */
  look(entry: Entry): void {
    const { mono, wall } = entry.process.deadlines(() => entry.lease.remaining)
    entry.mono = mono
    entry.wall = wall
  }

  /** Whether its own process, if it asked now, would find it held. */
  isHeld(entry: Entry): boolean {
    if (!entry.process.alive || entry.lostAt !== undefined) return false
    this.look(entry)
    return this.rest(entry) > GRAIN
  }

  /** Milliseconds until its deadline, by its own process's clocks, as of the last look. */
  rest(entry: Entry): number {
    return Math.min(entry.mono - entry.process.mono, entry.wall - entry.process.wall)
  }

  /** Whether the backend may still keep something of it. Without a clock, that ends only when somebody has watched it. */
  mayBeThere(root: Root, now: number): boolean {
    return root.clearedAt > now && (root.until >= now || this.observed)
  }

  /** Leases on a key that may be held. */
  open(key: string): Entry[] {
    return this.entries.filter(({ root, lostAt }) => root.key === key && lostAt === undefined)
  }
}

/** What floating point loses of a deadline on the wall clock. */
const GRAIN = 0.01

/** A lease as its task and process are called in messages. */
export const nameOf = ({ lease, process, task, root }: Entry): string =>
  `${task}@${process.name}'s lease of ${root.key} (${lease.mode}, token ${lease.fencingToken}, owner ${root.owner})`

/** What checks go by. */
export interface Scene {
  readonly world: World
  readonly scenario: Scenario
  readonly ledger: Ledger
  /** By key: the highest fencing token given to a task so far. */
  readonly highest: Map<string, bigint>
}
