import type { AcquireRequest } from '../../src/backend.ts'
import { lockKey } from '../../src/key.ts'
import type { Present } from '../../src/record/machine.ts'

/** How long a silent waiter stays. */
export const WAITER_LIFE = 9_000

/** The present of a reader whose clock is set by hand and shared by all. */
export class Clock implements Present {
  now: number = 1_000
  readonly self: string = 'me'
  readonly gone: Set<string> = new Set()

  over({ term, process }: { readonly term: { readonly at: number }; readonly process: string }): boolean {
    return this.gone.has(process) || term.at <= this.now
  }

  arm(ttl: number): { readonly clock: string; readonly at: number; readonly ttl: number } {
    return { clock: 'c', at: Math.ceil(this.now + ttl), ttl: Math.ceil(ttl) }
  }

  left({ term }: { readonly term: { readonly at: number } }): number {
    return Math.max(0, this.remaining(term))
  }

  waiterLife(): number {
    return WAITER_LIFE
  }

  remaining({ at }: { readonly at: number }): number {
    return at - this.now
  }
}

/** A request of the owner that a letter names. */
export function request(who: string, change: Partial<AcquireRequest> = {}): AcquireRequest {
  return {
    key: lockKey('', 'x'),
    timeout: 1_000,
    token: `secret-${who}`,
    owner: who,
    mode: 'exclusive',
    permits: 1,
    ttl: 100,
    standalone: false,
    tokens: 1,
    metadata: `metadata of ${who}`,
    wait: { queue: true, retryInterval: undefined, wake: () => undefined },
    ...change,
  }
}
