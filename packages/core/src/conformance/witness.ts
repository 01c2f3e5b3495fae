import assert from 'node:assert/strict'
import type { Lease } from '../index.ts'
import { type History, type Holding, hostNow } from './history.ts'

/**
 * Sees whether leases of this process overlap. A lease that enters is held; so it is enough to ask, at that moment, all who
 * are inside whether they still hold: what is lost stays lost.
 */
export class Witness {
  readonly #history: History
  readonly #inside = new Map<Lease, Holding>()
  /** In the order of the grants. */
  readonly fences: bigint[] = []

  constructor(history: History) {
    this.#history = history
  }

  get entries(): number {
    return this.fences.length
  }

  enter(who: string, lease: Lease): void {
    for (const [other, holding] of this.#inside) if (!other.held) this.#end(other, holding, 'lost')
    if (!lease.held) return
    const { mode, fencingToken } = lease
    this.#inside.set(lease, this.#history.hold({ who, mode, fencingToken, from: hostNow() }))
    this.fences.push(fencingToken)
    const modes = [...this.#inside.keys()].map((inside) => inside.mode)
    const together = modes.length <= this.#history.permits || modes.every((one) => one === 'shared')
    const shown = [...this.#inside.values()].map((inside) => `${inside.who} with fencing token ${inside.fencingToken}`)
    assert.ok(together, `${modes.length} held at once: ${shown.join(', ')}`)
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

  /** The tokens rose from one grant to the next. */
  assertRising(): void {
    for (let index = 1; index < this.fences.length; index += 1) {
      const [before, after] = [this.fences[index - 1] as bigint, this.fences[index] as bigint]
      assert.ok(after > before, `fencing token ${after} was granted after ${before}`)
    }
  }

  #end(lease: Lease, holding: Holding, end: 'released' | 'lost'): void {
    this.#inside.delete(lease)
    Object.assign(holding, { until: hostNow(), end })
  }
}
