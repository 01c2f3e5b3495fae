import { elapsed, type Instant } from '@locks/core'
import { wordReply } from '../replies.ts'
import type { Node } from './node.ts'
import { noMajority } from './poll.ts'
import type { Quorum } from './quorum.ts'
import { lookReply, type Record } from './replies.ts'
import { JOIN, LOOK } from './votes.ts'

/** How long it is left at that where somebody still abstains, in milliseconds: another one may begin to at any time. */
const LEAST_PAUSE = 500
const LONGEST_PAUSE = 5_000
/** By which part of itself, and by how many milliseconds besides, a wait is longer for clocks that run apart. */
const DRIFT = 0.02
const GRAIN = 10

/**
 * Lets nodes vote that have no record of having done so: new ones, and those that lost their data.
 *
 * A node without a record is given one: an id, and when that was, by its own clock. It abstains. A client that finds nodes
 * that abstain looks at all nodes twice, the second time after all answers of the first. What counts is who abstained both
 * times under the same id: those abstained all the while between the two looks.
 *
 * 1. If a majority votes, an abstaining node is let in once its age, by the first look, is at least the largest `ttl`
 *    that the second look found (plus 2 %). It gets this `ttl`, and the largest `fence` as its `fence` and `floor`.
 *    Until then it is given both as far as they are known, so that it can tell them to others.
 * 2. If so many abstain that no majority can vote, and any node has a `ttl` (it votes, or was told): the same rule, with
 *    what is known. The majority's data are lost then, so what is known may be too little.
 * 3. If a majority abstains and nobody who answered has a `ttl`, the nodes are new: they are let in at once.
 * 4. Otherwise nobody is: too few can be reached to know.
 *
 * Why this is safe, as long as a majority keeps its data. A `ttl` is announced to a majority before it is used anywhere, and a
 * grant is complete only when a majority has its fencing token. Any two majorities share a node. So of any majority that
 * votes, one node knows the `ttl` of each hold that the forgetful node took part in, and it is not let in before these
 * holds are over: they began before it forgot, so before it was given an id. By then each grant that it took part in is
 * either complete, and its fencing token is among what the second look finds, or too old to become complete. So what a
 * majority knew, a majority knows again when the node votes, and another one may forget: one after the other, any number
 * of times. An answer or a request may be as late as it likes: an id is given once, and a node that votes ignores what it is
 * told. Renewals lengthen a hold by at most an announced `ttl`, too, and need a majority that remembers it; a forgetful
 * node answers `lost`.
 */
export class Rejoin {
  readonly #quorum: Quorum
  #running: Promise<void> | undefined
  #pause: { readonly since: Instant; readonly ms: number } | undefined

  constructor(quorum: Quorum) {
    this.#quorum = quorum
  }

  /** Nodes were seen to abstain: lets them in, in the background, if that may be possible. */
  soon(): void {
    const { runtime } = this.#quorum
    if (this.#pause !== undefined && elapsed(runtime, this.#pause.since) < this.#pause.ms) return
    this.run(LEAST_PAUSE).catch(() => undefined)
  }

  /** Lets in whom it can. Resolves if a majority votes then, else rejects. */
  run(timeout: number): Promise<void> {
    this.#running ??= this.#run(this.#quorum.patience(timeout)).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #run(timeout: number): Promise<void> {
    const { nodes, majority, runtime } = this.#quorum
    const errors: unknown[] = []
    const look = async (at: readonly Node[]): Promise<Map<Node, Record>> => {
      const records = new Map<Node, Record>()
      const one = async (node: Node): Promise<void> => {
        const question = { what: LOOK, args: [runtime.id(16)], parse: lookReply, action: 'looking', timeout }
        try {
          records.set(node, await node.ask(undefined, question))
        } catch (error) {
          errors.push(error)
        }
      }
      await Promise.all(at.map(one))
      return records
    }
    const first = await look(nodes)
    const second = await look([...first.keys()])
    const abstaining = [...second].filter(([node, { id, votes }]) => !votes && first.get(node)?.id === id)
    const voting = [...second.values()].filter(({ votes }) => votes).length
    const ttls = [...second.values()].flatMap(({ ttl }) => ttl ?? [])
    const ttl = Math.max(0, ...ttls)
    const fence = [...second.values()].reduce((most, record) => (record.fence > most ? record.fence : most), 0n)
    const hopeless = abstaining.length > nodes.length - majority
    const isNew = ttls.length === 0 && abstaining.length >= majority
    const rests: number[] = []
    let joined = voting
    if (voting >= majority || (hopeless && ttls.length > 0) || isNew) {
      const wait = isNew ? 0 : ttl * (1 + DRIFT) + GRAIN
      const join = async ([node, { id }]: readonly [Node, Record]): Promise<void> => {
        const rest = wait - (first.get(node)?.age ?? 0)
        const args = [id, String(Math.ceil(ttl)), String(fence), rest <= 0 ? '1' : '0']
        const question = { what: JOIN, args, parse: wordReply, action: 'letting in', timeout }
        const answer = await node.ask(undefined, question).catch(() => 'failed')
        if (rest > 0) rests.push(rest)
        else if (answer === 'ok') joined += 1
      }
      await Promise.all(abstaining.map(join))
    }
    this.#pause = {
      since: runtime.now(),
      ms: rests.length === 0 ? LEAST_PAUSE : Math.max(LEAST_PAUSE, Math.min(LONGEST_PAUSE, ...rests)),
    }
    if (joined >= majority) return
    if (second.size < majority) throw noMajority('acquiring', second.size, nodes.length, errors)
    const wait = rests.length === 0 ? '' : `; the next one takes part in ${Math.ceil(Math.min(...rests) / 1_000)} s`
    throw new Error(`${abstaining.length} of ${nodes.length} servers have lost their data and do not count yet${wait}`)
  }
}
