import type { LeaseMode, LockBackend } from './backend.ts'
import { LockUnsupportedError } from './errors.ts'
import { describeKey, type LockKey } from './key.ts'
import type { Settings } from './options.ts'

/** In which way a name is used. */
export interface Use {
  readonly mode: LeaseMode
  readonly permits: number
}

/** What somebody wants of a lock: checked, complete, and within what the backend can do. */
export interface Demand extends Settings {
  readonly key: LockKey
  readonly mode: LeaseMode
  readonly permits: number
  /** Demands with equal classes may wait as one and pass the hold on among themselves. */
  readonly class: string
}

/** Throws LockUnsupportedError or RangeError for what the backend can't do, before anything is sent. */
export function demandFor(backend: LockBackend, key: LockKey, { mode, permits }: Use, settings: Settings): Demand {
  const { capabilities, name } = backend
  if (!capabilities.modes.includes(mode))
    throw new LockUnsupportedError(`${describeKey(key)}: ${name} has no ${mode} locks`, { key })
  if (capabilities.queue === 'none' && settings.fair !== undefined && settings.fair !== false)
    throw new LockUnsupportedError(`${describeKey(key)}: ${name} has no queue, so it cannot be fair`, { key })
  checkTtlRange(backend, key.name, settings.ttl)
  const fair = settings.fair ?? capabilities.queue === 'fifo'
  const { ttl, retryInterval, requestTimeout, autoRenew, maxHold, metadata } = settings
  const endless = maxHold === Number.POSITIVE_INFINITY
  if (!endless && ttl === Number.POSITIVE_INFINITY)
    throw new RangeError(`maxHold is ${maxHold}: a lease with ttl Infinity never runs out; give it a finite ttl`)
  const traits = [key.id, mode, permits, ttl, fair, retryInterval, requestTimeout, autoRenew, endless, metadata]
  return { ...settings, fair, key, mode, permits, class: JSON.stringify(traits) }
}

/** Throws RangeError or LockUnsupportedError for a ttl outside of what the backend can do. */
export function checkTtlRange(backend: LockBackend, name: string, ttl: number): void {
  const { min, max, infinite } = backend.capabilities.ttl
  if (ttl === Number.POSITIVE_INFINITY) {
    if (infinite) return
    throw new LockUnsupportedError(
      `lock ${JSON.stringify(name)}: ${backend.name} cannot hold without end (ttl: Infinity); the longest ttl is ${max} ms`,
    )
  }
  if (ttl < min || ttl > max)
    throw new RangeError(
      `ttl is ${ttl}: ${backend.name} takes from ${min} to ${max} ms${infinite ? ', or Infinity' : ''}`,
    )
}
