import type { Runtime } from '@locks/core'

/** How many leases are remembered at most. */
const MOST = 1_000

/**
 * What is left of leases: etcd tells it in whole seconds, rounded down. Each answer says when a lease ends at the latest; the
 * earliest of these counts, until an answer shows that it was renewed.
 */
export class Remaining {
  readonly #runtime: Runtime
  /** By the monotonic clock. */
  readonly #latestEnd = new Map<string, number>()

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** Milliseconds that a lease may last yet, of which etcd has just told the seconds; less than 0: it is ending. */
  of(lease: string, seconds: number): number {
    const { mono } = this.#runtime.now()
    const least = mono + Math.max(0, seconds) * 1_000
    const known = this.#latestEnd.get(lease) ?? 0
    const end = seconds < 0 ? mono : known > least ? Math.min(known, least + 1_000) : least + 1_000
    if (this.#latestEnd.size >= MOST) this.#latestEnd.clear()
    this.#latestEnd.set(lease, end)
    return end - mono
  }
}
