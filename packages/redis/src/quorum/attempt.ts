import { type AcquireRequest, elapsed, type HolderState, type Instant } from '@locks/core'
import { NoAnswer, type Node } from './node.ts'
import type { Outcome } from './outcome.ts'
import { noMajority } from './poll.ts'
import type { Quorum } from './quorum.ts'
import type { ProposeReply } from './replies.ts'
import { AttemptRequests } from './requests.ts'
import { Tally } from './tally.ts'

/** How often an attempt raises its fencing token. */
const ROUNDS = 3

/** What may also happen after the attempt was won. */
export interface AttemptEvents {
  /** The node holds for the lease. */
  confirmed(node: Node): void
  /** A node takes no part. */
  abstained(): void
}

/**
 * One attempt to get a majority: all nodes are asked; with a majority of grants, the fencing token that follows the highest of
 * theirs is written back to those that granted; with a majority of that confirmed, the lock is held. What did not become a
 * part of it is undone, at all nodes, for as long as it may matter.
 */
export class Attempt {
  readonly #quorum: Quorum
  readonly #request: AcquireRequest
  readonly #requests: AttemptRequests
  readonly #events: AttemptEvents
  readonly #outcome = Promise.withResolvers<Outcome>()
  readonly #since: Instant
  readonly #tally: Tally
  readonly #work = new Map<Node, Promise<void>>()
  /** The highest fencing token that a node named. */
  #highest = 0n
  /** Those that were written back, the latest last. */
  readonly #fences: bigint[] = []
  readonly #errors: unknown[] = []
  readonly #refusals: (ProposeReply & { outcome: 'busy' })[] = []
  #usedAs: string | undefined
  #state: 'open' | 'won' | 'over' = 'open'

  constructor(quorum: Quorum, request: AcquireRequest, timeout: number, events: AttemptEvents) {
    this.#quorum = quorum
    this.#request = request
    this.#requests = new AttemptRequests(quorum, request, quorum.patience(Math.min(timeout, request.ttl / 2)))
    this.#events = events
    this.#since = quorum.runtime.now()
    this.#tally = new Tally(quorum.nodes, quorum.majority)
  }

  /** Resolves as soon as the outcome is certain. Rejects if too few answered. */
  run(): Promise<Outcome> {
    for (const node of this.#quorum.nodes) this.#work.set(node, this.#propose(node))
    return this.#outcome.promise
  }

  /** Resolves when nothing of it is under way to a node. */
  async settled(node: Node): Promise<void> {
    await this.#work.get(node)
  }

  /** Whether a node was silent for as long as it was waited for. */
  get unanswered(): boolean {
    return this.#errors.some((error) => error instanceof NoAnswer)
  }

  /** Gives it up unless it was won. */
  abandon(): void {
    if (this.#state === 'open') this.#lose(() => this.#outcome.reject(new Error('the attempt was given up')))
  }

  /** The lease that it won is given up: nothing is added to it any more. */
  end(): void {
    this.abandon()
    this.#state = 'over'
  }

  async #propose(node: Node): Promise<void> {
    try {
      await this.#heard(node, await this.#requests.propose(node))
    } catch (error) {
      this.#failed(node, error)
    }
  }

  async #heard(node: Node, reply: ProposeReply): Promise<void> {
    switch (reply.outcome) {
      case 'granted':
        this.#name(reply.fencingToken)
        if (this.#state === 'open') this.#tally.set(node, 'granted')
        else if (this.#state === 'won') await this.#confirm(node)
        else this.#undo(node)
        break
      case 'late':
        throw new Error(`redis ${node.location}: the request arrived after its time limit`)
      case 'own':
        this.#tally.own(node, reply.fencingToken)
        break
      case 'busy':
        this.#refusals.push(reply)
        this.#tally.set(node, 'refused')
        break
      case 'mismatch':
        this.#usedAs = reply.usedAs
        this.#tally.set(node, 'refused')
        break
      case 'abstains':
        this.#events.abstained()
        this.#tally.set(node, reply.outcome)
        break
      case 'small':
        this.#tally.set(node, reply.outcome)
        break
    }
    this.#look()
  }

  #failed(node: Node, error: unknown): void {
    this.#errors.push(error)
    // It may hold for the attempt, or will. Where it has become the lease's, it stays.
    if (this.#state !== 'open') this.#undo(node)
    this.#tally.set(node, 'failed')
    this.#look()
  }

  #look(): void {
    if (this.#state !== 'open') return
    const { nodes, majority } = this.#quorum
    const step = this.#tally.next(this.#fences.length > 0)
    switch (step) {
      case 'wait':
        return
      case 'choose':
        this.#choose('granted')
        return
      case 'raise':
        // Others were granted meanwhile (readers), or a node has forgotten much.
        if (this.#fences.length <= ROUNDS) this.#choose('confirmed', 'low')
        else this.#lose(() => this.#outcome.resolve({ outcome: 'again' }))
        return
      case 'confirm':
        this.#confirmAll('granted')
        return
      case 'win':
        this.#win()
        return
      case 'refused':
        this.#lose(() => this.#outcome.resolve(this.#refused()))
        return
      case 'again':
        this.#lose(() => this.#outcome.resolve(this.#again()))
        return
      case 'small':
      case 'abstains':
        this.#lose(() => this.#outcome.resolve({ outcome: step }))
        return
      case 'failed': {
        const answered = nodes.length - this.#tally.count('failed')
        const error = noMajority('acquiring', Math.min(answered, majority - 1), nodes.length, this.#errors)
        this.#lose(() => this.#outcome.reject(error))
      }
    }
  }

  #name(fence: bigint): void {
    if (fence > this.#highest) this.#highest = fence
  }

  #choose(...from: readonly ('granted' | 'confirmed' | 'low')[]): void {
    this.#name(this.#fences.at(-1) ?? 0n)
    this.#fences.push(this.#highest + BigInt(this.#request.tokens))
    this.#confirmAll(...from)
  }

  #confirmAll(...from: readonly ('granted' | 'confirmed' | 'low')[]): void {
    const nodes = this.#tally.nodes(...from)
    for (const node of nodes) this.#tally.set(node, 'confirming')
    for (const node of nodes) this.#work.set(node, this.#confirm(node))
  }

  async #confirm(node: Node): Promise<void> {
    try {
      const reply = await this.#requests.confirm(node, this.#fences, this.#state === 'open')
      if (reply.outcome === 'gone') throw new Error(`redis ${node.location}: the grant ran out or was lost`)
      if (reply.outcome === 'low') this.#name(reply.fencingToken)
      // Won without it: it may have the fencing token that the others have.
      if (reply.outcome === 'low' && this.#state === 'won') return await this.#confirm(node)
      if (reply.outcome === 'low' && this.#state === 'over') this.#undo(node)
      if (reply.outcome === 'ok' && this.#state !== 'over') this.#events.confirmed(node)
      this.#tally.set(node, reply.outcome === 'ok' ? 'confirmed' : 'low')
      this.#look()
    } catch (error) {
      this.#failed(node, error)
    }
  }

  #win(): void {
    const { ttl } = this.#request
    if (elapsed(this.#quorum.runtime, this.#since) >= ttl) {
      this.#lose(() => this.#outcome.resolve({ outcome: 'again' }))
      return
    }
    this.#state = 'won'
    this.#outcome.resolve({ outcome: 'granted', fencingToken: this.#fences.at(-1) ?? 0n, since: this.#since, ttl })
    for (const node of this.#tally.nodes('failed')) this.#undo(node)
    for (const node of this.#tally.nodes('low', 'granted')) this.#work.set(node, this.#confirm(node))
  }

  #refused(): Outcome {
    if (this.#refusals.length === 0 && this.#usedAs !== undefined) return { outcome: 'mismatch', usedAs: this.#usedAs }
    const split = this.#tally.count('asked', 'granted', 'confirming', 'confirmed') > 0
    const freeIn = Math.max(0, ...this.#refusals.map((refusal) => refusal.freeIn))
    return { outcome: 'busy', freeIn, split, holder: this.#holder() }
  }

  /** One in the way that two nodes name alike: one alone may not have heard the fencing token yet. */
  #holder(): HolderState | undefined {
    const named = this.#refusals.map(({ holder }) => holder)
    const alike = Math.min(2, this.#quorum.majority)
    return named.find(
      (one) =>
        named.filter((other) => other.owner === one.owner && other.fencingToken === one.fencingToken).length >= alike,
    )
  }

  #again(): Outcome {
    const fencingToken = this.#tally.ownFence
    return fencingToken === undefined ? { outcome: 'again' } : { outcome: 'own', fencingToken }
  }

  #lose(settle: () => void): void {
    this.#state = 'over'
    settle()
    for (const node of this.#tally.nodes('asked', 'granted', 'confirming', 'confirmed', 'low', 'failed'))
      this.#undo(node)
  }

  #undo(node: Node): void {
    // What was won is not touched, only what did not become a part of it.
    this.#requests.undo(node, this.#state === 'won' ? [] : this.#fences, this.#since)
  }
}
