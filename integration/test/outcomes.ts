/** How tests of all backends on servers look at what became of a lock. */
import type { Lease } from '@locks/core'
import { expect } from 'vitest'

export const now = (): number => performance.now()

/** The moment at which a lease was lost, once it is. */
export function lossOf(lease: Lease): { at: number | undefined } {
  const loss: { at: number | undefined } = { at: undefined }
  lease.signal.addEventListener('abort', () => {
    loss.at = now()
  })
  return loss
}

/** For `toMatchObject`: how the two failures look that tests provoke. */
export const lost: object = { code: 'LOCK_LOST' }

export function backendError(message: RegExp | string): object {
  return { code: 'LOCK_BACKEND', message: expect.stringMatching(message) }
}
