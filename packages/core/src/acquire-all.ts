import type { Lease } from './lease.ts'
import { Lock, placeOf, timeoutOf } from './lock.ts'
import { type AcquireOptions, checkAcquireOptions } from './options.ts'
import { elapsed, systemRuntime } from './runtime.ts'

/** Several leases that belong together. */
export interface Leases extends AsyncDisposable {
  /** In the order of the locks given. */
  readonly leases: readonly Lease[]
  /** Aborted as soon as one of them is lost. */
  readonly signal: AbortSignal
  /** Whether all of them are held. */
  readonly held: boolean
  /** Releases all, the last taken first. True if all were still ours. If some fail, the others are released all the same. */
  release(): Promise<boolean>
}

/**
 * Takes all locks or none. They are acquired one after the other in a global order (namespace, name, backend), so that
 * callers who want overlapping sets don't deadlock; `timeout` is for all of them together. If one is lost while the rest
 * is waited for, everything is released and begun anew.
 *
 * Rejects as `lock.acquire` does, after having released what it had. The same lock twice is a TypeError.
 */
export async function acquireAll(locks: readonly Lock[], options: AcquireOptions = {}): Promise<Leases> {
  if (!Array.isArray(locks) || locks.some((lock) => !(lock instanceof Lock)))
    throw new TypeError('locks must be an array of locks')
  checkAcquireOptions(options, 'acquireAll')
  const ordered = locks
    .map((lock, index) => ({ lock, index, place: placeOf(lock) }))
    .sort((a, b) => compare(a.place, b.place))
  for (const [index, { lock, place }] of ordered.entries()) {
    const next = ordered[index + 1]
    if (next !== undefined && compare(place, next.place) === 0)
      throw new TypeError(`locks has ${JSON.stringify(lock.name)} twice: it would wait for itself`)
  }

  const timeout = options.timeout ?? (locks[0] === undefined ? 0 : timeoutOf(locks[0]))
  const started = systemRuntime.now()
  for (;;) {
    const rest = Math.max(0, timeout - elapsed(systemRuntime, started))
    const taken = await takeInOrder(ordered, { ...options, timeout: rest }, started, timeout)
    if (taken !== 'lost one')
      return group(
        ordered.map(({ index }) => index),
        taken,
      )
  }
}

type Ordered = readonly { readonly lock: Lock; readonly index: number; readonly place: readonly string[] }[]

async function takeInOrder(
  ordered: Ordered,
  options: AcquireOptions,
  started: ReturnType<typeof systemRuntime.now>,
  timeout: number,
): Promise<Lease[] | 'lost one'> {
  const leases: Lease[] = []
  try {
    for (const { lock } of ordered) {
      const signals = leases.map(({ signal }) => signal)
      if (options.signal !== undefined) signals.push(options.signal)
      const rest = Math.max(0, timeout - elapsed(systemRuntime, started))
      leases.push(await lock.acquire({ ...options, timeout: rest, signal: AbortSignal.any(signals) }))
    }
  } catch (error) {
    const lost = leases.some(({ held }) => !held)
    await Promise.allSettled(leases.reverse().map((lease) => lease.release()))
    if (lost && options.signal?.aborted !== true && elapsed(systemRuntime, started) < timeout) return 'lost one'
    throw error
  }
  if (leases.every(({ held }) => held)) return leases
  await Promise.allSettled(leases.reverse().map((lease) => lease.release()))
  return 'lost one'
}

/** `order[i]`: the caller's index of the lease taken as number i. */
function group(order: readonly number[], taken: readonly Lease[]): Leases {
  const signal = AbortSignal.any(taken.map((lease) => lease.signal))
  const leases: Lease[] = []
  for (const [position, index] of order.entries()) leases[index] = taken[position] as Lease
  let released: Promise<boolean> | undefined
  const releaseAll = async (): Promise<boolean> => {
    const results = await Promise.allSettled([...taken].reverse().map((lease) => lease.release()))
    const failed = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason as unknown)
    if (failed.length === 1) throw failed[0]
    if (failed.length > 1)
      throw new AggregateError(failed, `${failed.length} of ${taken.length} locks failed to be released`)
    return results.every((result) => result.status === 'fulfilled' && result.value)
  }
  const release = (): Promise<boolean> => {
    released ??= releaseAll()
    return released
  }
  return {
    leases,
    signal,
    get held() {
      return taken.every((lease) => lease.held)
    },
    release,
    async [Symbol.asyncDispose]() {
      await release()
    },
  }
}

/** By UTF-16 code units, part by part: the same everywhere, whatever the locale. */
function compare(a: readonly string[], b: readonly string[]): number {
  for (const [index, part] of a.entries()) {
    const other = b[index] ?? ''
    if (part !== other) return part < other ? -1 : 1
  }
  return 0
}
