import type { AcquireRequest, Instant } from '@locks/core'
import { wordReply } from '../replies.ts'
import { lateFor, useOf } from '../scripts/arguments.ts'
import type { Node } from './node.ts'
import type { Quorum } from './quorum.ts'
import { type ConfirmReply, confirmReply, type ProposeReply, proposeReply } from './replies.ts'
import { CONFIRM, PROPOSE, UNDO } from './scripts.ts'

/** What an attempt asks the nodes, under a token of its own. */
export class AttemptRequests {
  readonly #quorum: Quorum
  readonly #request: AcquireRequest
  readonly #token: string
  readonly #timeout: number

  /** `timeout`: how long each node is waited for, in milliseconds. */
  constructor(quorum: Quorum, request: AcquireRequest, timeout: number) {
    this.#quorum = quorum
    this.#request = request
    this.#token = quorum.runtime.id(16)
    this.#timeout = timeout
  }

  async propose(node: Node): Promise<ProposeReply> {
    const { key, mode, ttl, tokens, owner, metadata, token } = this.#request
    const timeout = this.#timeout
    const notAfter = await node.notAfter(key, timeout)
    const how = `${useOf(mode, tokens)} ${tokens} 1 no`
    const args = [this.#token, String(Math.ceil(ttl)), notAfter, how, `${owner} ${metadata}`, token]
    const parse = (text: unknown) => proposeReply(text, mode)
    return await node.ask(key, { what: PROPOSE, args, parse, action: 'acquiring', timeout })
  }

  /** `fences`: those that were written back, the latest last. */
  confirm(node: Node, fences: readonly bigint[], votes: boolean): Promise<ConfirmReply> {
    const { key, token, tokens } = this.#request
    const args = [this.#token, token, String(fences.at(-1)), String(tokens), fences.join(' '), votes ? '1' : '0']
    return node.ask(key, { what: CONFIRM, args, parse: confirmReply, action: 'acquiring', timeout: this.#timeout })
  }

  /** In the background, until it can matter no more. What has become the lease's, with one of `fences`, is undone, too. */
  undo(node: Node, fences: readonly bigint[], since: Instant): void {
    const { key, token, ttl } = this.#request
    const late = lateFor(this.#timeout)
    const args = [this.#token, String(late), token, fences.join(' ')]
    const question = { what: UNDO, args, parse: wordReply, action: 'undoing', timeout: this.#quorum.patience(late) }
    this.#quorum.insist(node, key, question, since, 2 * this.#timeout + ttl * 1.02)
  }
}
