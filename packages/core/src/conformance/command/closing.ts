import { messageOf } from '../failure.ts'
import type { ConformanceTarget } from '../target.ts'
import { within } from '../time.ts'

const LIMIT = 15_000

/** Ends trouble that an interrupted case left, and frees what the target made. What went wrong with that, in words. */
export async function closing(target: ConformanceTarget, interrupted: boolean): Promise<readonly string[]> {
  const failed: string[] = []
  const attempt = async (what: string, work: () => void | Promise<void>): Promise<void> => {
    try {
      await within(LIMIT, `${what} resolves`, Promise.resolve().then(work))
    } catch (error) {
      failed.push(`${what} failed: ${messageOf(error)}`)
    }
  }
  if (interrupted) await attempt('target.faults.resume()', () => target.faults?.resume?.())
  await attempt('target.close()', () => target.close?.())
  return failed
}
