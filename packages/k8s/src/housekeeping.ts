import { elapsed, type Instant, type LockKey, type Runtime } from '@locks/core'
import type { LeaseObject } from './client.ts'
import { MANAGED_BY, MANAGER, ownerOf } from './lease.ts'
import type { Requests } from './requests.ts'
import { microsOf } from './times.ts'

/** Milliseconds between two rounds of one process; the first is at a random moment within them. */
const EVERY = 3_600_000
/** Milliseconds for which a Lease that nobody holds or waits for stays. */
const RETENTION = 86_400_000
const PAGE = 500
const TIMEOUT = 5_000
/** Leases removed in one round at most. */
const MOST = 100
/** One more, and nothing can be removed at present. */
const MOST_FAILURES = 10

/** Removes Leases of locks that nobody has used for a day. Where the rights for it lack, they stay. */
export class Housekeeping {
  readonly #requests: Requests
  readonly #runtime: Runtime
  #next: { readonly since: Instant; readonly after: number }

  constructor(requests: Requests, runtime: Runtime) {
    this.#requests = requests
    this.#runtime = runtime
    this.#next = { since: runtime.now(), after: EVERY * runtime.random() }
  }

  async sweep(prune: (key: LockKey) => Promise<boolean>): Promise<void> {
    if (elapsed(this.#runtime, this.#next.since) < this.#next.after) return
    this.#next = { since: this.#runtime.now(), after: EVERY }
    let [pruned, failed] = [0, 0]
    // A damaged one must not keep the others for ever.
    const tried = async (key: LockKey): Promise<boolean> => {
      try {
        return await prune(key)
      } catch (error) {
        failed += 1
        if (failed > MOST_FAILURES) throw error
        return false
      }
    }
    let page: string | undefined
    do {
      const { leases, next } = await this.#requests.list(`${MANAGED_BY}=${MANAGER}`, PAGE, TIMEOUT, page)
      for (const lease of leases) {
        const owner = this.#isUnused(lease) ? ownerOf(lease) : undefined
        if (owner !== undefined && (await tried(owner))) pruned += 1
        if (pruned === MOST) return
      }
      page = next
    } while (page !== undefined)
  }

  /** By this process's clock, whose errors do no harm: what is in use is never removed. */
  #isUnused({ spec = {} }: LeaseObject): boolean {
    const { holderIdentity = '', renewTime } = spec
    const since = renewTime === undefined ? 0 : microsOf(renewTime) / 1_000
    return holderIdentity === '' && this.#runtime.now().wall - since > RETENTION
  }
}
