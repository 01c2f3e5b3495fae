import { elapsed, type KeyRequest, type ListRequest, type LockState, lockKey } from '@locks/core'
import type { Node } from './node.ts'
import { noMajority, poll } from './poll.ts'
import type { Quorum } from './quorum.ts'
import type { Rejoin } from './rejoin.ts'
import { viewReply } from './replies.ts'
import { VIEW } from './scripts.ts'
import { holdersBy } from './view.ts'

/** Looks at locks at all nodes, changing nothing. */
export class Survey {
  readonly #quorum: Quorum
  readonly #rejoin: Rejoin

  constructor(quorum: Quorum, rejoin: Rejoin) {
    this.#quorum = quorum
    this.#rejoin = rejoin
  }

  async inspect({ key, timeout }: KeyRequest): Promise<LockState> {
    const { nodes, majority, runtime } = this.#quorum
    const started = runtime.now()
    for (;;) {
      const rest = Math.max(1, timeout - elapsed(runtime, started))
      const patience = this.#quorum.patience(rest)
      let abstentions = 0
      const ask = async (node: Node): Promise<LockState | undefined> => {
        const state = await node.ask(key, {
          what: VIEW,
          args: [''],
          parse: viewReply,
          action: 'inspecting',
          timeout: patience,
        })
        if (state === undefined) abstentions += 1
        return state
      }
      try {
        const state = await poll(nodes, ask, (returns) => holdersBy(returns, nodes.length, majority))
        if (abstentions > 0) this.#rejoin.soon()
        return state
      } catch (error) {
        if (abstentions === 0 || elapsed(runtime, started) >= timeout) throw error
        await this.#rejoin.run(rest)
      }
    }
  }

  /** Whatever a majority holds is known to one of any majority; whether it is held is then asked of all. */
  async list({ namespace, prefix, timeout }: ListRequest): Promise<readonly string[]> {
    const { nodes, majority } = this.#quorum
    const patience = this.#quorum.patience(timeout)
    const ask = (node: Node): Promise<readonly string[]> => node.list(namespace, prefix, patience)
    const found = await poll(nodes, ask, ({ answers, pending, errors }) => {
      if (pending > 0) return undefined
      if (answers.size < majority) throw noMajority('listing', answers.size, nodes.length, errors)
      return new Set([...answers.values()].flat())
    })
    const names = [...found].sort()
    const states = await Promise.all(names.map((name) => this.inspect({ key: lockKey(namespace, name), timeout })))
    return names.filter((_, at) => states[at]?.holders.length !== 0)
  }
}
