import { type LockKey, lockKey, type Runtime, systemRuntime } from '@locks/core'
import { beforeEach, expect, test } from 'vitest'
import type { LeaseObject } from '../src/client.ts'
import { Housekeeping } from '../src/housekeeping.ts'
import { freeLease } from '../src/lease.ts'
import { leaseNameOf } from '../src/names.ts'
import type { Requests } from '../src/requests.ts'

const HOUR = 3_600_000

let wall: number
const runtime: Runtime = { ...systemRuntime, now: () => ({ mono: wall, wall }), random: () => 0 }

beforeEach(() => {
  wall = 1_000 * HOUR
})

const unused = (name: string): LeaseObject => {
  const key = lockKey('', name)
  return freeLease(leaseNameOf(key), 'jobs', key)
}

/** Names of the locks that were to be removed, of Leases all on one page. */
async function sweptOf(leases: readonly LeaseObject[], prune: (key: LockKey) => Promise<boolean>): Promise<string[]> {
  const swept: string[] = []
  const requests = { list: async () => ({ leases, next: undefined }) } as unknown as Requests
  const sweeping = new Housekeeping(requests, runtime).sweep((key) => {
    swept.push(key.name)
    return prune(key)
  })
  await sweeping.catch(() => undefined)
  return swept
}

test('a Lease that cannot be removed, being damaged, does not keep the others', async () => {
  const prune = async ({ name }: LockKey): Promise<boolean> => {
    if (name === 'damaged') throw new Error('damaged')
    return true
  }
  expect(await sweptOf(['a', 'damaged', 'b'].map(unused), prune)).toEqual(['a', 'damaged', 'b'])
})

test('it ends where nothing can be removed', async () => {
  const many = Array.from({ length: 60 }, (_, index) => unused(`a${index}`))
  expect((await sweptOf(many, () => Promise.reject(new Error('forbidden')))).length).toBeLessThan(20)
})

test('Leases of names that no lock has, and copies, are left alone', async () => {
  const bad = { ...unused('a'), metadata: { ...unused('a').metadata, annotations: { 'locks/name': '' } } }
  const copy = { ...unused('b'), metadata: { ...unused('b').metadata, name: 'copy' } }
  expect(await sweptOf([bad, copy, unused('c')], () => Promise.resolve(true))).toEqual(['c'])
})
