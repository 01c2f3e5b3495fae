import type { HolderState } from './backend.ts'
import type { Demand } from './demand.ts'
import type { Engine } from './engine.ts'
import { askFor, takeGrant } from './grant.ts'
import type { Hold } from './hold.ts'

/** What one attempt came to: a hold, or one of those in the way (undefined: unknown who). */
export type Attempt = { readonly hold: Hold } | { readonly hold: undefined; readonly holder: HolderState | undefined }

/** One attempt, without waiting. Rejects as a campaign fails, and with the signal's reason. */
export function attempt(engine: Engine, demand: Demand): Promise<Attempt> {
  const identity = engine.request(demand, 1)
  const { key, token, mode } = identity
  const { requestTimeout: timeout, signal } = demand
  let over = false
  const work = async (): Promise<Attempt> => {
    const answer = await askFor(engine, demand, identity, null)
    if (answer.outcome === 'busy') return { hold: undefined, holder: answer.holder }
    const hold = over ? undefined : await takeGrant(engine, identity, demand, answer)
    if (hold !== undefined && !over) return { hold }
    hold?.end()
    engine.undo({ key, token, mode, timeout }, timeout)
    return { hold: undefined, holder: undefined }
  }
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      over = true
      signal?.removeEventListener('abort', abort)
      settle()
    }
    const giveUp = (error: unknown): void => {
      if (over) return
      engine.undo({ key, token, mode, timeout }, timeout)
      end(() => reject(error))
    }
    const abort = (): void => giveUp(signal?.reason)
    if (signal?.aborted === true) {
      reject(signal.reason)
      return
    }
    signal?.addEventListener('abort', abort, { once: true })
    work().then((result) => end(() => resolve(result)), giveUp)
  })
}
