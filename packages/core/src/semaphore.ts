import type { Use } from './demand.ts'
import { Lock } from './lock.ts'
import type { LockOptions } from './options.ts'

const MAX_PERMITS = 1_000_000

/**
 * A lock that up to `permits` may hold at once. Everyone who uses the name at the same time must agree on the number;
 * another one, or using the name as a lock, is LOCK_MISMATCH.
 */
export class Semaphore extends Lock {
  readonly permits: number

  /**
   * @param permits A whole number from 1 to 1,000,000.
   * @throws TypeError or RangeError for a bad argument.
   */
  constructor(name: string, permits: number, options: LockOptions = {}) {
    super(name, options)
    if (typeof permits !== 'number') throw new TypeError(`permits is ${String(permits)}: it must be a number`)
    if (!Number.isInteger(permits) || permits < 1 || permits > MAX_PERMITS)
      throw new RangeError(`permits is ${permits}: it must be a whole number from 1 to ${MAX_PERMITS}`)
    this.permits = permits
  }

  protected override get use(): Use {
    return { mode: 'semaphore', permits: this.permits }
  }
}
