import assert from 'node:assert/strict'
import type { Lease } from '../index.ts'

/**
 * Sees whether leases overlap. A lease that enters is held; so it is enough to ask, at that moment, all who are inside
 * whether they still hold: what is lost stays lost.
 */
export class Witness {
  readonly #inside = new Set<Lease>()
  readonly #limit: number
  /** In the order of the grants. */
  readonly fences: bigint[] = []
  most: number = 0

  /** `limit`: how many may hold at once, unless all of them are readers. */
  constructor(limit = 1) {
    this.#limit = limit
  }

  get entries(): number {
    return this.fences.length
  }

  enter(lease: Lease): void {
    for (const other of this.#inside) if (!other.held) this.#inside.delete(other)
    if (!lease.held) return
    this.#inside.add(lease)
    this.fences.push(lease.fencingToken)
    this.most = Math.max(this.most, this.#inside.size)
    const inside = [...this.#inside]
    const together = inside.every(({ mode }) => mode === 'shared') || inside.length <= this.#limit
    const shown = inside.map(({ mode, fencingToken }) => `${mode} with fencing token ${fencingToken}`)
    assert.ok(together, `${inside.length} held at once: ${shown.join(', ')}`)
  }

  leave(lease: Lease): void {
    this.#inside.delete(lease)
  }

  /** Inside from the grant on, for as long as `work` takes. */
  async watch<T>(lease: Lease, work: () => Promise<T>): Promise<T> {
    this.enter(lease)
    try {
      return await work()
    } finally {
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
}
