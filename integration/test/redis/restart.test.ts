/** A server that crashes and comes back, with its data or without, or without its scripts. */
import { expect, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import { backendError, lossOf, lost, now, Party, redis, urlOf } from './harness.ts'

test('with its data: a hold goes on, and tokens rise', async () => {
  const server = await redis({ appendonly: true })
  const [one, other] = [new Party(urlOf(server)), new Party(urlOf(server))]
  const lease = await one.lock('a').acquire()
  await server.restart({ data: 'kept' })
  expect(await other.lock('a').tryAcquire()).toBeNull()
  await lease.renew()
  expect(lease.signal.aborted).toBe(false)
  await lease.release()
  const next = await other.lock('a').acquire()
  expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
})

test('with its data: who waits keeps waiting, and gets the lock once it is released', async () => {
  const server = await redis({ appendonly: true })
  const [one, other] = [new Party(urlOf(server)), new Party(urlOf(server))]
  const lease = await one.lock('a').acquire()
  const waiting = other.lock('a').acquire()
  await poll('it waits', async () => (await one.lock('a').inspect()).waiters === 1)
  await server.restart({ data: 'kept' })
  await poll('it waits again', async () => (await one.lock('a').inspect()).waiters === 1)
  await lease.release()
  expect((await waiting).fencingToken).toBeGreaterThan(lease.fencingToken)
})

test('while it is down every question fails, and a hold ends with its ttl', async () => {
  const server = await redis({ appendonly: true })
  const party = new Party(urlOf(server))
  const lease = await party.lock('a', { ttl: 1_000 }).acquire()
  const began = now()
  const loss = lossOf(lease)
  await server.kill()
  const refused = backendError(/lock ".*ECONNREFUSED/)
  await Promise.all([
    expect(party.lock('a').locked()).rejects.toMatchObject(refused),
    expect(party.lock('b').tryAcquire()).rejects.toMatchObject(refused),
    expect(party.lock('c').acquire()).rejects.toMatchObject(refused),
  ])
  await poll('it is lost', () => loss.at !== undefined)
  // Not when it came back, or was given up.
  expect(loss.at).toBeLessThan(began + 1_000 + 2_000)
})

test('without its data: the holder learns it at its next renewal, and tokens rise all the same', async () => {
  const server = await redis()
  const [one, other] = [new Party(urlOf(server)), new Party(urlOf(server))]
  const ttl = 3_000
  const lease = await one.lock('a', { ttl }).acquire()
  const loss = lossOf(lease)
  await server.restart({ data: 'lost' })
  const began = now()
  const next = await other.lock('a').acquire()
  expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
  await poll('the first one learns it', () => loss.at !== undefined)
  expect(loss.at).toBeLessThan(began + ttl / 3 + 500)
  expect(lease.signal.reason).toMatchObject(lost)
  expect(await lease.release()).toBe(false)
  await next.renew()
})

test('without its scripts: each request is carried out all the same', async () => {
  const server = await redis()
  const [one, other] = [new Party(urlOf(server)), new Party(urlOf(server))]
  const lock = one.lock('a')
  const lease = await lock.acquire()
  const flush = (): Promise<unknown> => server.command('SCRIPT', 'FLUSH')
  await flush()
  await lease.renew()
  await flush()
  const waiting = other.lock('a').acquire()
  await flush()
  await poll('it waits', async () => (await lock.inspect()).waiters === 1)
  await flush()
  await lease.release()
  const next = await waiting
  expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
  await flush()
  expect(await lock.forceRelease()).toBe(true)
  await flush()
  expect(await one.backend.list({ namespace: '', prefix: '', timeout: 1_000 })).toEqual([])
})
