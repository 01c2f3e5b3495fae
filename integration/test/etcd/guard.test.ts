import { guard } from '@locks/etcd'
import { Etcd3 } from 'etcd3'
import { expect, test } from 'vitest'
import { clientOf, etcd, keysOn, Party, SECOND } from './harness.ts'

test('a write with the guard of a lease that is held is done', async () => {
  const server = await etcd()
  const [party, client] = [new Party([server]), clientOf(server)]
  const lease = await party.lock('a').acquire()
  const { succeeded } = await client
    .if(...guard(lease))
    .then(client.put('total').value('42'))
    .commit()
  expect(succeeded).toBe(true)
  expect(await client.get('total')).toBe('42')
  await lease.release()
})

test.each(['exclusive', 'shared', 'semaphore'] as const)('it knows %s leases', async (mode) => {
  const { ReadWriteLock, Semaphore } = await import('@locks/core')
  const server = await etcd()
  const [{ backend }, client] = [new Party([server]), clientOf(server)]
  const options = { backend, namespace: 'ns' }
  const lock = {
    exclusive: () => new ReadWriteLock('a/b', options).write,
    shared: () => new ReadWriteLock('a/b', options).read,
    semaphore: () => new Semaphore('a/b', 2, options),
  }[mode]()
  const lease = await lock.acquire()
  const { succeeded } = await client
    .if(...guard(lease))
    .then(client.put('total').value('42'))
    .commit()
  expect(succeeded).toBe(true)
  await lease.release()
})

test('a write of who has lost its lease fails in etcd, though the writer has not noticed', async () => {
  const server = await etcd()
  const [party, other, client] = [new Party([server]), new Party([server]), clientOf(server)]
  const lease = await party.lock('a', { ttl: 60 * SECOND }).acquire()
  await other.lock('a').forceRelease()
  const next = await other.lock('a').acquire()
  expect(lease.held, 'it has not noticed').toBe(true)
  const { succeeded } = await client
    .if(...guard(lease))
    .then(client.put('total').value('stale'))
    .commit()
  expect(succeeded).toBe(false)
  expect(await client.get('total')).toBeNull()
  expect(
    (
      await client
        .if(...guard(next))
        .then(client.put('total').value('new'))
        .commit()
    ).succeeded,
  ).toBe(true)
})

test('a condition made while the lease was held fails after its release, and stands beside others', async () => {
  const server = await etcd()
  const [party, client] = [new Party([server]), clientOf(server)]
  const lease = await party.lock('a').acquire()
  const condition = guard(lease)
  const write = () =>
    client
      .if('total', 'Version', '==', 0)
      .and(...condition)
      .then(client.put('total').value('1'))
      .commit()
  expect((await write()).succeeded).toBe(true)
  expect((await write()).succeeded, 'the other condition counts').toBe(false)
  await client.delete().key('total').exec()
  await lease.release()
  expect((await write()).succeeded).toBe(false)
})

test('leases that share a hold by local hand-off are guarded by it', async () => {
  const server = await etcd()
  const [party, client] = [new Party([server]), clientOf(server)]
  const tokens: bigint[] = []
  const work = () =>
    party.lock('a').using(async (lease) => {
      tokens.push(lease.fencingToken)
      expect(
        (
          await client
            .if(...guard(lease))
            .then(client.put('total').value('1'))
            .commit()
        ).succeeded,
      ).toBe(true)
    })
  await Promise.all(Array.from({ length: 10 }, work))
  expect(new Set(tokens).size).toBe(10)
})

test('a lease that is over, or of another backend, is refused', async () => {
  const { Lock, memoryBackend } = await import('@locks/core')
  const server = await etcd()
  const lease = await new Party([server]).lock('a').acquire()
  await lease.release()
  expect(() => guard(lease)).toThrow(
    expect.objectContaining({ code: 'LOCK_NOT_HELD', message: expect.stringContaining('"a"') }),
  )
  const foreign = await new Lock('b', { backend: memoryBackend() }).acquire()
  expect(() => guard(foreign)).toThrow(expect.objectContaining({ code: 'LOCK_NOT_HELD' }))
})

test('a client of the user can take the locks, too, and stays open; in a namespace its keys are there', async () => {
  const { Lock } = await import('@locks/core')
  const { etcdBackend } = await import('@locks/etcd')
  const server = await etcd()
  const client = clientOf(server)
  const backend = etcdBackend(client)
  const scoped = etcdBackend(client.namespace('app/'))
  await new Lock('a', { backend }).using(async () =>
    expect(await keysOn(client)).toEqual([expect.stringMatching(/^locks\//)]),
  )
  await new Lock('a', { backend: scoped }).using(async () =>
    expect(await keysOn(client)).toEqual([expect.stringMatching(/^app\/locks\//)]),
  )
  await backend.close()
  await scoped.close()
  expect(client).toBeInstanceOf(Etcd3)
  await client.put('still').value('open').exec()
})
