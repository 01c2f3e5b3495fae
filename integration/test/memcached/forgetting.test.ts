/** A server that forgets: it restarts, is flushed, or runs out of memory. What then is promised is to learn of it. */
import { Lock } from '@locks/core'
import { memcachedBackend } from '@locks/memcached'
import { Client } from 'memjs'
import { expect, onTestFinished, test } from 'vitest'
import type { MemcachedServer } from '../../servers/memcached-binary.ts'
import { poll } from '../../servers/poll.ts'
import { backendError, lossOf, lost } from '../outcomes.ts'
import { hostOf, memcached, Party } from './harness.ts'

const finding = (subject: string, message: string): object => ({
  severity: 'risk',
  subject,
  message: expect.stringContaining(message),
})

/** Stores as much as wanted, in items as large as that of the lock, or larger. Resolves with how many were taken. */
async function fillerLike(server: MemcachedServer): Promise<(count: number, more?: number) => Promise<number>> {
  const client = Client.create(hostOf(server), { logger: { log: () => undefined }, retries: 1 } as never)
  onTestFinished(() => client.close())
  const key = (await server.keys()).find((one) => one.startsWith('locks:')) ?? ''
  const { value } = await client.get(key)
  let stored = 0
  return async (count, more = 0) => {
    const content = `${value}${'x'.repeat(more)}`
    const outcomes = await Promise.allSettled(
      Array.from({ length: count }, (_, at) =>
        client.set(`${stored + at}`.padStart(key.length, '-'), content, { expires: 3_600 }),
      ),
    )
    stored += count
    return outcomes.filter(({ status }) => status === 'fulfilled').length
  }
}

test('a restart: the holder learns it at its next renewal, and tokens go on rising', async () => {
  const server = await memcached()
  const [holder, other] = [await Party.at(server), await Party.at(server)]
  for (let turn = 0; turn < 5; turn += 1) await (await holder.lock('a').acquire()).release()
  const lease = await holder.lock('a', { ttl: 2_000 }).acquire()
  const loss = lossOf(lease)
  await server.restart()
  const next = await other.lock('a').acquire()
  expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
  await poll('it is lost', () => loss.at !== undefined, 3_000)
  await expect(lease.renew()).rejects.toMatchObject(lost)
  expect(await lease.release()).toBe(false)
  next.assertHeld()
  await next.renew()
  expect(await next.release()).toBe(true)
})

test.each(['renew', 'release'] as const)(
  'a restart, and somebody else holds since then: to %s what is gone leaves the other one’s alone',
  async (how) => {
    const server = await memcached()
    const [holder, other] = [await Party.at(server), await Party.at(server)]
    const lease = await holder.lock('a', { ttl: 60_000, autoRenew: false }).acquire()
    await server.restart()
    const next = await other.lock('a', { ttl: 60_000, autoRenew: false }).acquire()
    if (how === 'renew') await expect(lease.renew()).rejects.toMatchObject(lost)
    else expect(await lease.release()).toBe(false)
    expect((await other.lock('a').inspect()).holders).toMatchObject([{ owner: next.owner }])
    await next.renew()
    expect(await next.release()).toBe(true)
  },
)

test('an eviction: the holder learns it at its next renewal, and the doctor had warned', {
  timeout: 60_000,
}, async () => {
  const server = await memcached({ args: ['-m', '2'] })
  const holder = await Party.at(server)
  const lease = await holder.lock('a', { ttl: 60_000, autoRenew: false }).acquire()
  const client = Client.create(hostOf(server))
  onTestFinished(() => client.close())
  for (let count = 0; count < 2; count += 1) await client.increment('visits', 1, { initial: 0, expires: 3_600 })
  const warned = await holder.backend.examine?.({ timeout: 3_000 })
  expect(warned).toContainEqual(finding('eviction', 'start it with -M'))
  expect(warned).toContainEqual(finding('shared use', 'others store here, too (incr_hits)'))
  const fill = await fillerLike(server)
  await poll('it is evicted', async () => {
    await fill(1_000)
    return !(await server.keys()).some((key) => key.startsWith('locks:'))
  })
  await expect(lease.renew()).rejects.toMatchObject(lost)
  const after = await holder.backend.examine?.({ timeout: 3_000 })
  expect(after).toContainEqual(finding('eviction', 'items were evicted'))
})

test('flush_all: the same', async () => {
  const server = await memcached()
  const holder = await Party.at(server)
  const lease = await holder.lock('a').acquire()
  const client = Client.create(hostOf(server))
  onTestFinished(() => client.close())
  await new Promise((resolve) => client.flush(resolve))
  await expect(lease.renew()).rejects.toMatchObject(lost)
  const found = await holder.backend.examine?.({ timeout: 3_000 })
  expect(found).toContainEqual(finding('shared use', 'flush_all was called 1 times'))
})

test('a server without versions (-C) is refused, and the doctor says why', async () => {
  const server = await memcached({ args: ['-C'] })
  const party = await Party.at(server)
  await expect(party.lock('a').acquire()).rejects.toThrow(/it has no versions \(it runs with -C\)/)
  const found = await party.backend.examine?.({ timeout: 3_000 })
  expect(found).toContainEqual(finding('versions', 'it runs without versions'))
})

test('a full server that evicts nothing (-M) refuses new locks and renewals; who holds is not replaced, and can release', {
  timeout: 60_000,
}, async () => {
  const server = await memcached({ args: ['-m', '2', '-M'] })
  const [holder, other] = [await Party.at(server), await Party.at(server)]
  const lease = await holder.lock('a', { ttl: 60_000 }).acquire()
  const fill = await fillerLike(server)
  // Of the size of a renewed record, too, which is longer.
  for (const more of [0, 25, 50, 100]) await poll('it is full', async () => (await fill(1_000, more)) < 1_000)
  const full = backendError(/it is out of memory, and evicts nothing \(-M\)/)
  await expect(holder.lock('b').tryAcquire()).rejects.toMatchObject(full)
  await expect(lease.renew()).rejects.toMatchObject(full)
  lease.assertHeld()
  await expect(other.lock('a').tryAcquire()).rejects.toMatchObject(full)
  expect((await other.lock('a').inspect()).holders).toMatchObject([{ owner: lease.owner }])
  expect(await lease.release()).toBe(true)
  expect(await other.lock('a').locked()).toBe(false)
})

test('with several servers a lock lives on one of them, and is taken nowhere else when that is down', async () => {
  const servers = [await memcached(), await memcached()]
  const backend = memcachedBackend({ servers: servers.map(hostOf) })
  onTestFinished(() => backend.close())
  const names = Array.from({ length: 20 }, (_, at) => `lock-${at}`)
  const leases = await Promise.all(names.map((name) => new Lock(name, { backend }).acquire()))
  const [first, second] = await Promise.all(servers.map((server) => server.keys()))
  expect((first?.length ?? 0) + (second?.length ?? 0)).toBe(20)
  expect(Math.min(first?.length ?? 0, second?.length ?? 0)).toBeGreaterThan(0)
  await servers[1]?.kill()
  const outcomes = await Promise.allSettled(
    names.map((name) => new Lock(`${name}-b`, { backend, requestTimeout: 500 }).tryAcquire()),
  )
  const refused = outcomes.filter(({ status }) => status === 'rejected')
  expect(refused.length).toBeGreaterThan(0)
  expect(refused.length).toBeLessThan(20)
  await Promise.allSettled(leases.map((lease) => lease.release()))
})
