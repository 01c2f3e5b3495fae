import type { HolderState } from './backend.ts'
import type { Demand } from './demand.ts'
import type { Engine, Waiting } from './engine.ts'
import { describeLock, LockBackendError } from './errors.ts'
import { askFor, takeGrant } from './grant.ts'
import type { Hold } from './hold.ts'

/** What one attempt came to: a hold, or one of those in the way (undefined: unknown who). */
export type Attempt = { readonly hold: Hold } | { readonly hold: undefined; readonly holder: HolderState | undefined }

/** How often a grant whose time was over when its reply came is asked for again. */
const LATE_REPLIES = 2

/** One attempt, without waiting. Rejects as a campaign fails, and with the signal's reason. */
export function attempt(engine: Engine, demand: Demand): Promise<Attempt> {
  return new Promise((resolve, reject) => {
    const identity = engine.request(demand, 1)
    const { key, token, mode } = identity
    const { requestTimeout: timeout, signal } = demand
    if (signal?.aborted === true) {
      reject(signal.reason)
      return
    }
    let over = false
    const end = (): void => {
      over = true
      signal?.removeEventListener('abort', abort)
      engine.waiting.delete(waiting)
    }
    const giveUp = (error: unknown): void => {
      if (over) return
      end()
      void engine.undo({ key, token, mode, timeout }, timeout)
      reject(error)
    }
    const abort = (): void => giveUp(signal?.reason)
    const waiting: Waiting = { key, unseen: 0, close: (error) => giveUp(error(key)) }

    // Settles in the very step in which it finds that nobody has given up meanwhile: a hold never lies about.
    const work = async (): Promise<void> => {
      for (let late = 0; late <= LATE_REPLIES; late += 1) {
        const answer = await askFor(engine, demand, identity, null, () => over, engine.runtime.now())
        if (over) return
        if (answer.outcome === 'busy') {
          end()
          // After a grant that came too late, an earlier request may have failed as well.
          if (answer.unsure || late > 0) void engine.undo({ key, token, mode, timeout }, timeout)
          resolve({ hold: undefined, holder: answer.holder })
          return
        }
        const hold = await takeGrant(engine, identity, demand, answer)
        if (over) hold?.end()
        if (over) return
        if (hold === undefined) continue
        end()
        resolve({ hold })
        return
      }
      throw new LockBackendError(
        `${describeLock(key, engine.backend)}: it was granted, but each reply came after the ttl of ${demand.ttl} ms was over. Use a longer ttl`,
        { key },
      )
    }
    signal?.addEventListener('abort', abort, { once: true })
    engine.waiting.add(waiting)
    work().catch(giveUp)
  })
}
