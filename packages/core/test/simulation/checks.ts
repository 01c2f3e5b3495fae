import type { AcquireAnswer, AcquireRequest, LockLostError, RenewAnswer, RenewRequest } from '../../src/index.ts'
import { Answers } from './check-answers.ts'
import { checkDeadline, checkLoss, checkMaxHold, lateness } from './check-deadline.ts'
import { checkExclusion } from './check-exclusion.ts'
import { checkTokens } from './check-fencing.ts'
import { checkOrder, checkPromptness } from './check-order.ts'
import { Waits } from './check-waits.ts'
import { type Entry, type Granting, Ledger, nameOf, type Root, type Scene } from './ledger.ts'
import type { Process } from './process.ts'
import type { Scenario } from './scenario.ts'
import type { World } from './world.ts'

/** Milliseconds after which nothing that was sent can still arrive. */
export const ON_ITS_WAY = 20_000

/** Milliseconds for which a hold may go round in its process, by the slowest clock. */
const HAND_ON_FOR = 10.1

/** Holds what happens against the promises. Its methods are told what happens, in the moment in which it does. */
export class Checks implements Scene {
  readonly world: World
  readonly scenario: Scenario
  readonly ledger: Ledger
  readonly answers: Answers = new Answers(this)
  readonly waits: Waits = new Waits(this)
  readonly highest: Map<string, bigint> = new Map()
  readonly #touched = new Set<Process>()

  constructor(world: World, scenario: Scenario) {
    this.world = world
    this.scenario = scenario
    const { kind, traits } = scenario.variant
    this.ledger = new Ledger(kind === 'record' && traits.clock === 'none')
    world.onSettled = () => this.#settled()
  }

  /** Core asks the backend for a lock. */
  asked(process: Process, request: AcquireRequest): Root {
    if (!Number.isFinite(request.ttl))
      this.world.fail('contract', `${request.owner} is asked for with ttl ${request.ttl}`)
    const root = this.ledger.rootOf(request, process, this.highest.get(request.key.name) ?? 0n)
    this.armed(root, request.ttl)
    return root
  }

  answered(root: Root, request: AcquireRequest, answer: AcquireAnswer): void {
    const { now } = this.world
    if (answer.outcome === 'granted') this.armed(root, answer.ttl)
    else if (request.wait === null && answer.outcome === 'busy') {
      root.clearedAt = now
      root.idle = true
    }
    if (answer.outcome === 'busy' && request.wait?.queue === true) root.queuedAt = Math.min(root.queuedAt, now)
  }

  /** From now on the backend may keep a hold for `ttl` ms. */
  armed(root: Root, ttl: number): void {
    root.longest = Math.max(root.longest, ttl)
    root.until = Math.max(root.until, this.world.now + ttl * 1.02 + ON_ITS_WAY)
  }

  leaving(process: Process, token: string, how: 'cancel' | 'release'): void {
    const root = this.ledger.byToken(token)
    if (root === undefined) this.world.fail('own token', `${process.name} wants to ${how} an unknown token`)
    else root.leavingAt = Math.min(root.leavingAt, this.world.now)
  }

  cleared(token: string): void {
    const root = this.ledger.byToken(token)
    if (root?.token === token) root.clearedAt = Math.min(root.clearedAt, this.world.now)
  }

  renewing({ token, ttl }: RenewRequest): void {
    const root = this.ledger.byToken(token)
    if (root === undefined) return
    root.renewed = true
    root.renewals += 1
    this.armed(root, ttl)
  }

  renewalEnds({ token }: RenewRequest): void {
    const root = this.ledger.byToken(token)
    if (root === undefined) return
    root.renewals -= 1
    root.renewedAt = this.world.now
  }

  renewed(process: Process, { token, rotateTo }: RenewRequest, answer: RenewAnswer): void {
    this.#touched.add(process)
    const root = this.ledger.byToken(token)
    if (root === undefined) return
    if (answer.outcome === 'renewed') {
      this.armed(root, answer.ttl)
      if (rotateTo !== undefined) this.ledger.rotated(root, rotateTo)
      return
    }
    if (rotateTo !== undefined || root.token !== token || this.ledger.broken(root)) return
    for (const entry of this.ledger.open(root.key))
      if (entry.root === root && entry.process === process && this.ledger.isHeld(entry))
        this.world.fail('owner', `the backend says that ${nameOf(entry)} is lost, which is held and nobody broke`)
  }

  /** A task was given a lease. */
  granted(granting: Granting): Entry {
    const { process, lease, task, manner, asked } = granting
    const root = this.ledger.roots.get(lease.owner) as Root
    root.leases += 1
    const entry = this.#enter(granting, root, false)
    this.world.note(process.name, `${task} has ${lease.mode} ${root.key} ${lease.fencingToken} of ${lease.owner}`)
    checkTokens(this, granting, entry)
    if (root.leases === 1) {
      root.grantedAt = this.world.now
      root.fence = lease.fencingToken
      checkOrder(this, root)
      checkPromptness(this, root, asked)
    } else if (manner.fair === 'strict' || this.world.now - root.grantedAt > HAND_ON_FOR)
      this.world.fail('hand-on', `${nameOf(entry)} was passed on ${this.world.now - root.grantedAt} ms after its grant`)
    checkExclusion(this, entry)
    this.audit(root.key)
    return entry
  }

  /** A task has attached a lease that was detached. */
  attached(granting: Granting, from: Entry): Entry {
    const { process, lease, task } = granting
    const entry = this.#enter(granting, from.root, true)
    this.world.note(process.name, `${task} has attached ${nameOf(entry)}`)
    if (lease.fencingToken !== from.lease.fencingToken || lease.owner !== from.lease.owner)
      this.world.fail('hand-over', `${nameOf(from)} became ${nameOf(entry)}`)
    checkExclusion(this, entry)
    return entry
  }

  #enter({ process, task, lease, manner }: Granting, root: Root, attached: boolean): Entry {
    const { now } = this.world
    const rest = {
      mono: 0,
      wall: 0,
      leaving: false,
      lostAt: undefined,
      released: undefined,
      renewed: false,
      seenOver: false,
    }
    const entry: Entry = { lease, root, process, task, manner, attached, grantedAt: now, ...rest }
    this.ledger.entries.push(entry)
    this.ledger.look(entry)
    const lost = (): void => {
      entry.lostAt = this.world.now
      const { reason } = lease.signal as { reason: LockLostError }
      this.world.note(process.name, `${task} lost ${nameOf(entry)}`)
      checkLoss(this, entry, reason.message)
    }
    if (lease.signal.aborted) lost()
    else lease.signal.addEventListener('abort', lost)
    return entry
  }

  /** Looks for leases whose loss should have been signalled by now. */
  audit(key: string): void {
    for (const entry of this.ledger.open(key)) checkDeadline(this, entry)
  }

  /** A task looks at its lease. */
  read(entry: Entry): boolean {
    checkMaxHold(this, entry)
    const late = lateness(this, entry)
    const { held } = entry.lease
    if (held && entry.seenOver) this.world.fail('lost stays lost', `${nameOf(entry)} is held again`)
    if (held && entry.lostAt !== undefined)
      this.world.fail('lost stays lost', `${nameOf(entry)} is held after its loss`)
    if (held && late > 0.01) this.world.fail('deadline', `${nameOf(entry)} is held ${late} ms after its deadline`)
    if (!held) entry.seenOver = true
    return held
  }

  /** Whether anybody waits or holds. */
  get goingOn(): boolean {
    return this.waits.some || this.ledger.entries.some(({ leaving, lostAt }) => !leaving && lostAt === undefined)
  }

  #settled(): void {
    if (this.#touched.size > 0) {
      for (const entry of this.ledger.entries)
        if (this.#touched.has(entry.process) && entry.lostAt === undefined) {
          const passed = entry.mono - entry.process.mono
          this.ledger.look(entry)
          if (passed < -1 && this.ledger.rest(entry) > 0)
            this.world.fail('lost stays lost', `${nameOf(entry)} was over for ${-passed} ms, and is held again`)
        }
      this.#touched.clear()
    }
    this.waits.check()
  }
}
