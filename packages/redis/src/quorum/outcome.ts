import type { HolderState, Instant } from '@locks/core'

/** What an attempt came to. */
export type Outcome =
  | { readonly outcome: 'granted'; readonly fencingToken: bigint; readonly since: Instant; readonly ttl: number }
  /** `split`: others granted. */
  | {
      readonly outcome: 'busy'
      readonly freeIn: number
      readonly split: boolean
      readonly holder: HolderState | undefined
    }
  | { readonly outcome: 'mismatch'; readonly usedAs: string }
  /** The lease's token holds at a majority, by an earlier attempt. */
  | { readonly outcome: 'own'; readonly fencingToken: bigint }
  /** To be tried again: after nodes were let in, after the ttl was announced, or a little later. */
  | { readonly outcome: 'abstains' | 'small' | 'again' }
