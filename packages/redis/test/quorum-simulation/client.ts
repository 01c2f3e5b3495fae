import { type Lease, type LockBackend, ReadWriteLock } from '@locks/core'
import type { Random } from '../../../core/test/random.ts'
import type { Process } from '../../../core/test/simulation/process.ts'
import type { World } from '../../../core/test/simulation/world.ts'
import type { Checks } from './checks.ts'
import type { Scenario } from './scenario.ts'

export interface Cast {
  readonly world: World
  readonly checks: Checks
  readonly scenario: Scenario
  /** Nothing new is begun any more. */
  over: boolean
}

export const NAMES: readonly string[] = ['a', 'b']

/** A task of a process: it takes locks, holds them for a while, and releases them. Ends when all is over, or its process. */
export async function work(cast: Cast, process: Process, backend: LockBackend, random: Random): Promise<void> {
  const { world, checks, scenario } = cast
  while (!cast.over && process.alive) {
    const name = random.oneOf(NAMES.slice(0, scenario.names))
    const ttl = random.oneOf(scenario.ttls)
    const options = { backend, ttl, autoRenew: random.next() < 0.6, requestTimeout: 2_000, metadata: process.name }
    const { read, write } = new ReadWriteLock(name, options)
    const lock = random.next() < scenario.readers ? read : write
    const begun = checks.begin()
    const lease = await lock.tryAcquire({ timeout: random.below(3) * 700 }).catch(() => null)
    if (lease !== null) {
      checks.granted(name, lease, process, begun)
      world.note(process.name, `holds ${name} ${lease.mode} ${lease.fencingToken}`)
      await hold(lease, process, random, scenario)
      world.note(process.name, `releases ${name} ${lease.fencingToken}`)
      await lease.release().catch(() => false)
    }
    await process.sleep(random.next() * 200)
  }
}

async function hold(lease: Lease, process: Process, random: Random, { ttls }: Scenario): Promise<void> {
  const longest = Math.max(...ttls)
  if (random.next() < 0.5) await process.sleep(random.next() * 50)
  else await process.sleep(random.next() * Math.min(2 * longest, 4_000))
  if (random.next() < 0.2) {
    await lease.renew(random.oneOf(ttls)).catch(() => undefined)
    await process.sleep(random.next() * 300)
  }
}
