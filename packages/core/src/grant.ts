import type { AcquireAnswer, Grant, Wait } from './backend.ts'
import type { Demand } from './demand.ts'
import type { Engine } from './engine.ts'
import { describeLock, LockError, LockLostError } from './errors.ts'
import { Hold } from './hold.ts'
import type { Instant } from './runtime.ts'

/** A grant that says from when its time counts. */
export type TimedGrant = Grant & { readonly since: Instant }

export type TimedAnswer =
  | (Extract<AcquireAnswer, { readonly outcome: 'busy' }> & {
      /** An earlier call of the same token failed: it may still be carried out. */
      readonly unsure: boolean
    })
  | ({ readonly outcome: 'granted' } & TimedGrant)

/**
 * Asks for the lock, until `stopped`: what was undone must not be asked for again. The time of a grant that doesn't say from
 * when it counts counts from before the call. `at` is this moment.
 */
export async function askFor(
  engine: Engine,
  demand: Demand,
  identity: ReturnType<Engine['request']>,
  wait: Wait | null,
  stopped: () => boolean,
  at: Instant,
): Promise<TimedAnswer> {
  let sent = at
  let calls = 0
  const call = (timeout: number, now: Instant): Promise<AcquireAnswer> => {
    sent = now
    calls += 1
    return engine.backend.acquire({ ...identity, wait, timeout })
  }
  const answer = await engine.ask(demand.key, 'acquiring', demand.requestTimeout, call, { stopped, at })
  if (answer.outcome === 'mismatch') throw mismatch(engine, demand, answer.usedAs)
  return answer.outcome === 'granted' ? { ...answer, since: answer.since ?? sent } : { ...answer, unsure: calls > 1 }
}

/** Makes a hold of a grant, renewed at once where the grant alone is not what was asked for; undefined: it is over. */
export function takeGrant(
  engine: Engine,
  identity: ReturnType<Engine['request']>,
  demand: Demand,
  grant: TimedGrant,
): Hold | undefined | Promise<Hold | undefined> {
  const hold = new Hold(engine, identity, demand, grant)
  if (hold.remainingAt(hold.grantedAt) <= 0) {
    hold.end()
    return undefined
  }
  return hold.needsRenewal ? renewed(hold) : hold
}

async function renewed(hold: Hold): Promise<Hold | undefined> {
  try {
    await hold.renew()
    return hold
  } catch (error) {
    hold.end()
    // Broken or run out before anybody held it: as if it had not been granted.
    if (error instanceof LockLostError) return undefined
    throw error
  }
}

/** The name is in use in another way. */
function mismatch(engine: Engine, demand: Demand, usedAs: string): LockError {
  const { key, mode, permits } = demand
  const wanted = mode === 'semaphore' ? `a semaphore of ${permits} permit${permits === 1 ? '' : 's'}` : 'a lock'
  return new LockError(
    'LOCK_MISMATCH',
    `${describeLock(key, engine.backend)}: it is in use as ${usedAs}, and cannot be ${wanted} at the same time; use another name`,
    { key },
  )
}
