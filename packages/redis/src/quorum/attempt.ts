import { type AcquireRequest, elapsed, type HolderState, type Instant } from '@locks/core'
import { useOf } from '../redis-backend.ts'
import { wordReply } from '../replies.ts'
import { NoAnswer, type Node } from './node.ts'
import { noMajority } from './poll.ts'
import type { Quorum } from './quorum.ts'
import { confirmReply, type ProposeReply, proposeReply } from './replies.ts'
import { CONFIRM, PROPOSE, UNDO } from './scripts.ts'
import { Tally } from './tally.ts'

/** By how much longer than any request of it may be on its way an attempt is remembered, in milliseconds. */
const TOMBSTONE_MARGIN = 10_000
/** How often an attempt raises its fencing token. */
const ROUNDS = 3

export type Outcome =
  | { readonly outcome: 'granted'; readonly fencingToken: bigint; readonly since: Instant; readonly ttl: number }
  /** `split`: others granted. */
  | {
      readonly outcome: 'busy'
      readonly freeIn: number
      readonly split: boolean
      readonly holder: HolderState | undefined
    }
  | { readonly outcome: 'mismatch'; readonly usedAs: string }
  /** The lease's token holds at a majority, by an earlier attempt. */
  | { readonly outcome: 'own'; readonly fencingToken: bigint }
  /** To be tried again: after nodes were let in, after the ttl was announced, or a little later. */
  | { readonly outcome: 'abstains' | 'small' | 'again' }

/**
 * One attempt to get a majority: all nodes are asked; with a majority of grants, the fencing token that follows the highest of
 * theirs is written back to those that granted; with a majority of that confirmed, the lock is held. What did not become a
 * part of it is undone, at all nodes, for as long as it may matter.
 */
export class Attempt {
  /** How many nodes abstained so far. */
  abstentions: number = 0
  readonly #quorum: Quorum
  readonly #request: AcquireRequest
  readonly #token: string
  readonly #patience: number
  readonly #onConfirmed: (node: Node) => void
  readonly #outcome = Promise.withResolvers<Outcome>()
  readonly #since: Instant
  readonly #tally: Tally
  readonly #work = new Map<Node, Promise<void>>()
  /** The highest fencing token that a node named. */
  #highest = 0n
  /** Those that were written back, the latest last. */
  readonly #fences: bigint[] = []
  readonly #owns = new Map<Node, bigint>()
  readonly #errors: unknown[] = []
  #refusal: Partial<ProposeReply & { outcome: 'busy' }> = {}
  #usedAs: string | undefined
  #state: 'open' | 'won' | 'over' = 'open'

  /** `onConfirmed` hears of each node that holds for the lease, also after the attempt was won. */
  constructor(quorum: Quorum, request: AcquireRequest, timeout: number, onConfirmed: (node: Node) => void) {
    this.#quorum = quorum
    this.#request = request
    this.#token = quorum.runtime.id(16)
    this.#patience = quorum.patience(Math.min(timeout, request.ttl / 2))
    this.#onConfirmed = onConfirmed
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
    const { key, mode, ttl, tokens, owner, metadata, token } = this.#request
    const timeout = this.#patience
    try {
      const notAfter = await node.notAfter(key, timeout)
      const how = `${useOf(mode, tokens)} ${tokens} 1 no`
      const args = [this.#token, String(Math.ceil(ttl)), notAfter, how, `${owner} ${metadata}`, token]
      const parse = (text: unknown) => proposeReply(text, mode)
      await this.#heard(node, await node.ask(key, { what: PROPOSE, args, parse, action: 'acquiring', timeout }))
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
        this.#owns.set(node, reply.fencingToken)
        this.#tally.set(node, 'own')
        break
      case 'busy':
        if (reply.freeIn > (this.#refusal.freeIn ?? 0)) this.#refusal = reply
        this.#tally.set(node, 'refused')
        break
      case 'mismatch':
        this.#usedAs = reply.usedAs
        this.#tally.set(node, 'refused')
        break
      case 'abstains':
        this.abstentions += 1
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
        this.#lose(() => this.#outcome.resolve(this.#owned() ?? { outcome: step }))
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
    const { key, token, tokens } = this.#request
    const votes = this.#state === 'open' ? '1' : '0'
    const fence = String(this.#fences.at(-1))
    const args = [this.#token, token, fence, String(tokens), this.#fences.join(' '), votes]
    try {
      const timeout = this.#patience
      const reply = await node.ask(key, { what: CONFIRM, args, parse: confirmReply, action: 'acquiring', timeout })
      if (reply.outcome === 'gone') throw new Error(`redis ${node.location}: the grant ran out or was lost`)
      if (reply.outcome === 'low') this.#name(reply.fencingToken)
      // Won without it: it may have the fencing token that the others have.
      if (reply.outcome === 'low' && this.#state === 'won') return await this.#confirm(node)
      if (reply.outcome === 'low' && this.#state === 'over') this.#undo(node)
      if (reply.outcome === 'ok' && this.#state !== 'over') this.#onConfirmed(node)
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
    const { freeIn = 0, holder } = this.#refusal
    if (holder === undefined && this.#usedAs !== undefined) return { outcome: 'mismatch', usedAs: this.#usedAs }
    const split = this.#tally.count('asked', 'granted', 'confirming', 'confirmed') > 0
    return { outcome: 'busy', freeIn, split, holder }
  }

  /** The fencing token with which the lease's token holds at a majority. */
  #owned(): Outcome | undefined {
    const fences = [...this.#owns.values()]
    const fencingToken = fences.find((one) => fences.filter((other) => other === one).length >= this.#quorum.majority)
    return fencingToken === undefined ? undefined : { outcome: 'own', fencingToken }
  }

  #lose(settle: () => void): void {
    this.#state = 'over'
    settle()
    for (const node of this.#tally.nodes('asked', 'granted', 'confirming', 'confirmed', 'low', 'failed'))
      this.#undo(node)
  }

  #undo(node: Node): void {
    const { key, token, ttl } = this.#request
    const lateFor = Math.ceil(2 * this.#patience + TOMBSTONE_MARGIN)
    // What was won is not touched, only what did not become a part of it.
    const fences = this.#state === 'won' ? '' : this.#fences.join(' ')
    const args = [this.#token, String(lateFor), token, fences]
    const question = { what: UNDO, args, parse: wordReply, action: 'undoing', timeout: this.#quorum.patience(lateFor) }
    void this.#quorum.insist(node, key, question, this.#since, 2 * this.#patience + ttl * 1.02)
  }
}
