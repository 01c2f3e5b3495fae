import { elapsed } from '@locks/core'
import { wordReply } from '../replies.ts'
import type { Node } from './node.ts'
import { noMajority, poll } from './poll.ts'
import type { Quorum } from './quorum.ts'
import type { Rejoin } from './rejoin.ts'
import { RAISE } from './votes.ts'

/** A ttl is told to a majority before it is used for the first time: so long a node that forgets stays out. See `Rejoin`. */
export class Announcement {
  readonly #quorum: Quorum
  readonly #rejoin: Rejoin
  #announced = 0

  constructor(quorum: Quorum, rejoin: Rejoin) {
    this.#quorum = quorum
    this.#rejoin = rejoin
  }

  /** Resolves once a majority knows that holds may last for `ttl`. Rejects if that can't be had within `timeout`. */
  async make(ttl: number, timeout: number): Promise<void> {
    const { runtime } = this.#quorum
    const started = runtime.now()
    while (ttl > this.#announced) {
      const rest = Math.max(1, timeout - elapsed(runtime, started))
      if (await this.#tell(ttl, this.#quorum.patience(rest))) this.#announced = Math.max(this.#announced, ttl)
      else await this.#rejoin.run(rest)
    }
  }

  /** A node was not told: perhaps all have lost what they knew. */
  forget(): void {
    this.#announced = 0
  }

  /** False if too many abstain. */
  #tell(ttl: number, timeout: number): Promise<boolean> {
    const { nodes, majority } = this.#quorum
    const question = {
      what: RAISE,
      args: [String(Math.ceil(ttl))],
      parse: wordReply,
      action: 'announcing a ttl',
      timeout,
    }
    const ask = (node: Node): Promise<string> => node.ask(undefined, question)
    return poll(nodes, ask, ({ answers, pending, errors }) => {
      const told = [...answers.values()].filter((answer) => answer === 'ok').length
      if (told >= majority) return true
      if (told + pending >= majority) return undefined
      if (answers.size > told) return false
      if (pending > 0) return undefined
      throw noMajority('acquiring', told, nodes.length, errors)
    })
  }
}
