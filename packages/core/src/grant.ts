import type { Grant } from './backend.ts'
import type { Demand } from './demand.ts'
import type { Engine } from './engine.ts'
import { describeLock, LockError } from './errors.ts'
import { Hold } from './hold.ts'
import type { Instant } from './runtime.ts'

/** Makes a hold of a grant, renewed at once where the grant alone is not what was asked for. */
export async function takeGrant(
  engine: Engine,
  identity: ReturnType<Engine['request']>,
  demand: Demand,
  grant: Grant,
  sent: Instant,
): Promise<Hold | undefined> {
  const hold = new Hold(engine, identity, demand, grant, sent)
  if (hold.remaining <= 0) {
    hold.end()
    return undefined
  }
  if (!hold.needsRenewal) return hold
  try {
    await hold.renew()
    return hold
  } catch (error) {
    hold.end()
    throw error
  }
}

/** The name is in use in another way. */
export function mismatch(engine: Engine, demand: Demand, usedAs: string): LockError {
  const { key, mode, permits } = demand
  const wanted = mode === 'semaphore' ? `a semaphore of ${permits} permit${permits === 1 ? '' : 's'}` : 'a lock'
  return new LockError(
    'LOCK_MISMATCH',
    `${describeLock(key, engine.backend)}: it is in use as ${usedAs}, and cannot be ${wanted} at the same time; use another name`,
    { key },
  )
}
