import type { HolderState } from './backend.ts'
import type { Demand } from './demand.ts'
import type { Engine } from './engine.ts'
import { describeHolder, describeLock, formatDuration, LockTimeoutError } from './errors.ts'

/** The lock was busy until the timeout: the backend said so. */
export interface TimedOut {
  /** One of those in the way, if known. */
  readonly holder: HolderState | undefined
  /** Milliseconds. */
  readonly waited: number
}

export function timeoutError(engine: Engine, demand: Demand, { holder, waited }: TimedOut): LockTimeoutError {
  const { key } = demand
  const subject = describeLock(key, engine.backend)
  const what = demand.timeout === 0 ? 'not acquired at once' : `not acquired within ${formatDuration(waited)}`
  const who = holder === undefined ? 'held or waited for by others' : `held by ${describeHolder(holder)}`
  const look = `\`locks status ${shellWord(key.name)}${key.namespace === '' ? '' : ` --namespace ${key.namespace}`}\` or inspect() shows it`
  return new LockTimeoutError(`${subject}: ${what}: ${who}; ${look}`, { key, holder })
}

const shellWord = (text: string): string => (/^[\w.:/-]+$/.test(text) ? text : JSON.stringify(text))
