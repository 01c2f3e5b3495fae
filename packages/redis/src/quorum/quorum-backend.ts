import {
  type AcquireAnswer,
  type AcquireRequest,
  type Capabilities,
  type ExamineRequest,
  elapsed,
  type Finding,
  type KeyRequest,
  type ListRequest,
  type LockBackend,
  LockBackendError,
  type LockState,
  type RenewAnswer,
  type RenewRequest,
  type Runtime,
  type TokenRequest,
} from '@locks/core'
import { wordReply } from '../replies.ts'
import { type Script, script } from '../script.ts'
import { lateFor } from '../scripts/arguments.ts'
import { CANCEL, FORCE_RELEASE, RELEASE } from '../scripts/release.ts'
import { RENEW } from '../scripts/renew.ts'
import { Acquiring } from './acquiring.ts'
import { Announcement } from './announcement.ts'
import { examineQuorum } from './examine.ts'
import { QUORUM_CAPABILITIES } from './guarantee.ts'
import { Holdings } from './holdings.ts'
import type { Node } from './node.ts'
import { noMajority, poll } from './poll.ts'
import type { Quorum } from './quorum.ts'
import { Rejoin } from './rejoin.ts'
import { Survey } from './survey.ts'

const cancelScript = script(CANCEL)
const releaseScript = script(RELEASE)
const forceReleaseScript = script(FORCE_RELEASE)
const renewScript = script(RENEW)
/** How long a release that has not reached a node is repeated, in milliseconds: its ttl ends the hold otherwise. */
const INSIST = 60_000

/** Locks on N independent servers, each held if a majority of them says so. */
export class RedisQuorumBackend implements LockBackend {
  readonly name: string = 'redis-quorum'
  readonly location: string
  readonly capabilities: Capabilities = QUORUM_CAPABILITIES
  readonly runtime: Runtime
  readonly #quorum: Quorum
  readonly #rejoin: Rejoin
  readonly #announcement: Announcement
  readonly #holdings: Holdings
  readonly #survey: Survey
  readonly #acquiring = new Map<string, Acquiring>()
  #requests = 0
  #doubt: (sooner: number) => void = () => undefined

  constructor(quorum: Quorum) {
    this.#quorum = quorum
    this.runtime = quorum.runtime
    this.location = quorum.nodes.map(({ location }) => location).join(',')
    this.#rejoin = new Rejoin(quorum)
    this.#announcement = new Announcement(quorum, this.#rejoin)
    this.#holdings = new Holdings(quorum.runtime, quorum.majority)
    this.#survey = new Survey(quorum, this.#rejoin)
    for (const node of quorum.nodes)
      node.onStep = (sooner) => {
        if (this.#holdings.stepped(node)) this.#doubt(sooner)
      }
  }

  onDoubt(listener: (sooner: number) => void): void {
    this.#doubt = listener
  }

  async acquire(request: AcquireRequest): Promise<AcquireAnswer> {
    const { token, key } = request
    if (this.#quorum.closed) throw new LockBackendError(`redis ${this.location} has been closed`, { key })
    this.#acquiring.get(token)?.abandon()
    const acquiring = new Acquiring(request, {
      quorum: this.#quorum,
      rejoin: this.#rejoin,
      announcement: this.#announcement,
      holdings: this.#holdings,
      renew: async (timeout) => await this.renew({ ...request, rotateTo: undefined, timeout }),
    })
    this.#acquiring.set(token, acquiring)
    const run = acquiring.run().finally(() => {
      const settled = acquiring.settled().then(() => {
        if (this.#acquiring.get(token) === acquiring) this.#acquiring.delete(token)
      })
      this.#quorum.background(settled)
    })
    this.#quorum.background(run)
    return await run
  }

  async cancel({ key, token, timeout }: TokenRequest): Promise<void> {
    await this.#end(
      key,
      token,
      'cancelling',
      { what: cancelScript, args: [token, this.#nonce(), String(lateFor(timeout))], timeout },
      (answers) => {
        return answers.length >= this.#quorum.majority || undefined
      },
    )
  }

  release({ key, token, timeout }: TokenRequest): Promise<boolean> {
    const { majority, veto } = this.#quorum
    const args = [token, this.#nonce()]
    return this.#end(key, token, 'releasing', { what: releaseScript, args, timeout }, (answers) => {
      const held = answers.filter((answer) => answer === '1').length
      if (held >= majority) return true
      return answers.length - held >= veto ? false : undefined
    })
  }

  async renew({ key, token, ttl, rotateTo, timeout }: RenewRequest): Promise<RenewAnswer> {
    const { nodes, majority, veto, runtime } = this.#quorum
    const started = runtime.now()
    await this.#announcement.make(ttl, timeout)
    const patience = this.#quorum.patience(Math.max(1, timeout - elapsed(runtime, started)))
    const args = [token, String(Math.ceil(ttl)), rotateTo ?? '', String(lateFor(timeout))]
    const question = { what: renewScript, args, parse: wordReply, action: 'renewing', timeout: patience }
    // An answer may come when the lease has been released already: then nothing is added.
    let rotating = rotateTo !== undefined
    const ask = async (node: Node): Promise<number> => {
      const reply = await node.ask(key, question)
      if (reply === 'lost') this.#holdings.remove(token, node)
      else if (this.#holdings.has(rotateTo ?? token) || rotating)
        this.#holdings.add(rotateTo ?? token, key, node, Number(reply))
      return reply === 'lost' ? 0 : Number(reply)
    }
    // Where the rotation may not have come to be, nobody will release the old token: unless there is no outcome, so that the
    // rotation may be tried again, for which the old token is needed.
    const forget = (node: Node): void => {
      const release = { what: releaseScript, args: [token, this.#nonce()] }
      if (rotateTo !== undefined)
        polled.then(
          () => this.#insist(node, key, release, 'releasing'),
          () => undefined,
        )
    }
    const decide = (answers: readonly number[]): RenewAnswer | undefined => {
      const ttls = answers.filter((lasts) => lasts > 0).sort((a, b) => b - a)
      const lasts = ttls[majority - 1]
      if (lasts !== undefined) return { outcome: 'renewed', ttl: lasts }
      return answers.length - ttls.length >= veto ? { outcome: 'lost' } : undefined
    }
    const polled: Promise<RenewAnswer> = poll(
      nodes,
      ask,
      ({ answers, pending, errors }) => {
        const decision = decide([...answers.values()])
        if (decision === undefined && pending === 0) throw noMajority('renewing', answers.size, nodes.length, errors)
        if (decision !== undefined) rotating = false
        return decision
      },
      forget,
    )
    const answer = await polled
    if (answer.outcome === 'lost' || rotateTo !== undefined) this.#holdings.over(token)
    return answer
  }

  inspect(request: KeyRequest): Promise<LockState> {
    return this.#survey.inspect(request)
  }

  async forceRelease({ key, timeout }: KeyRequest): Promise<boolean> {
    const { nodes, majority } = this.#quorum
    const patience = this.#quorum.patience(timeout)
    const name = this.runtime.id(16)
    const ask = async (node: Node): Promise<boolean> => {
      const args = [name, await node.notAfter(key, patience), String(lateFor(timeout))]
      const question = { what: forceReleaseScript, args, parse: wordReply, action: 'breaking', timeout: patience }
      const reply = await node.ask(key, question)
      if (reply === 'late') throw new Error(`redis ${node.location}: the request arrived after its time limit`)
      return reply === '1'
    }
    return await poll(nodes, ask, ({ answers, pending, errors }) => {
      if (pending > 0) return undefined
      if (answers.size < majority) throw noMajority('breaking', answers.size, nodes.length, errors)
      // What is at fewer nodes holds nothing: an attempt, or a release that is still on its way to them.
      const broken = [...answers.values()].filter((held) => held).length
      return broken + nodes.length - answers.size >= majority
    })
  }

  list(request: ListRequest): Promise<readonly string[]> {
    return this.#survey.list(request)
  }

  examine({ timeout }: ExamineRequest): Promise<readonly Finding[]> {
    const { nodes, majority } = this.#quorum
    return examineQuorum(nodes, majority, timeout)
  }

  close(): Promise<void> {
    for (const acquiring of this.#acquiring.values()) acquiring.abandon()
    return this.#quorum.close()
  }

  /** Ends what there is of a token, at all nodes. */
  async #end<R>(
    key: KeyRequest['key'],
    token: string,
    action: string,
    { what, args, timeout }: { readonly what: Script; readonly args: readonly string[]; readonly timeout: number },
    decide: (answers: readonly string[]) => R | undefined,
  ): Promise<R> {
    const { nodes } = this.#quorum
    this.#holdings.over(token)
    const acquiring = this.#acquiring.get(token)
    acquiring?.end()
    const question = { what, args, parse: wordReply, action, timeout: this.#quorum.patience(timeout) }
    const ask = (node: Node): Promise<string> => {
      // A request of the token that is under way could overtake it.
      const asked = Promise.resolve(acquiring?.settledAt(node)).then(() => node.ask(key, question))
      this.#quorum.background(asked)
      return asked
    }
    return await poll(
      nodes,
      ask,
      ({ answers, pending, errors }) => {
        const decision = decide([...answers.values()])
        if (decision === undefined && pending === 0) throw noMajority(action, answers.size, nodes.length, errors)
        return decision
      },
      (node) => this.#insist(node, key, { what, args }, action),
    )
  }

  /** Tells one request from another: `!` and seven characters. */
  #nonce(): string {
    this.#requests = (this.#requests + 1) % 36 ** 7
    return `!${this.#requests.toString(36).padStart(7, '0')}`
  }

  #insist(
    node: Node,
    key: KeyRequest['key'],
    { what, args }: { readonly what: Script; readonly args: readonly string[] },
    action: string,
  ): void {
    const question = { what, args, parse: wordReply, action, timeout: this.#quorum.patience(INSIST) }
    this.#quorum.insist(node, key, question, this.runtime.now(), INSIST)
  }
}
