import type { Lease } from '../index.ts'
import { type History, type Holding, hostNow } from './history.ts'

/**
 * Notes in the history which leases of this process are held when. A lease that enters is held; so it is enough to ask, at
 * that moment, all who are inside whether they still hold: what is lost stays lost.
 */
export class Witness {
  readonly #history: History
  readonly #inside = new Map<Lease, Holding>()

  constructor(history: History) {
    this.#history = history
  }

  enter(who: string, lease: Lease): void {
    for (const [other, holding] of this.#inside) if (!other.held) this.#end(other, holding, 'lost')
    if (!lease.held) return
    const { mode, fencingToken } = lease
    this.#inside.set(lease, this.#history.hold({ who, mode, fencingToken, from: hostNow() }))
  }

  leave(lease: Lease): void {
    const holding = this.#inside.get(lease)
    if (holding !== undefined) this.#end(lease, holding, lease.held ? 'released' : 'lost')
  }

  /** Inside from the grant on, for as long as `work` takes. */
  async watch<T>(who: string, lease: Lease, work: () => Promise<T>): Promise<T> {
    this.enter(who, lease)
    const lost = (): void => this.leave(lease)
    lease.signal.addEventListener('abort', lost, { once: true })
    try {
      return await work()
    } finally {
      lease.signal.removeEventListener('abort', lost)
      this.leave(lease)
    }
  }

  #end(lease: Lease, holding: Holding, end: 'released' | 'lost'): void {
    this.#inside.delete(lease)
    Object.assign(holding, { until: hostNow(), end })
  }
}
