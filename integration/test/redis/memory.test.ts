/** A server whose memory is full. */
import { expect, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import { backendError, lossOf, lost, now, Party, redis, urlOf } from './harness.ts'

test('full and evicting nothing: new locks are refused with the reason, those held are renewed and released', async () => {
  const server = await redis({ args: ['--maxmemory-policy', 'noeviction'] })
  const [one, other] = [new Party(urlOf(server)), new Party(urlOf(server))]
  const lease = await one.lock('a', { ttl: 3_000 }).acquire()
  const readers = await one.lock('b').acquire()
  await server.command('CONFIG', 'SET', 'maxmemory', '1')
  const began = now()
  const full = backendError(/lock "c".*maxmemory.*OOM/)
  await expect(other.lock('c').acquire()).rejects.toMatchObject(full)
  await expect(other.lock('c').tryAcquire()).rejects.toMatchObject(full)
  expect(now() - began, 'it repeated what could not help').toBeLessThan(1_000)
  await poll('some of its time has passed', () => lease.remaining < 2_500)
  await lease.renew()
  expect(lease.remaining).toBeGreaterThan(2_500)
  expect((await other.lock('a').inspect()).holders).toMatchObject([{ owner: lease.owner }])
  expect(await lease.release()).toBe(true)
  expect(await other.lock('a').locked()).toBe(false)
  expect(await other.lock('b').forceRelease()).toBe(true)
  await expect(readers.renew()).rejects.toMatchObject(lost)
  await server.command('CONFIG', 'SET', 'maxmemory', '0')
  expect(await other.lock('c').tryAcquire()).not.toBeNull()
})

test('evicting: the holder of an evicted lock learns it at its next renewal, and tokens rise all the same', async () => {
  const server = await redis({ args: ['--maxmemory-policy', 'allkeys-lru'] })
  const [one, other] = [new Party(urlOf(server)), new Party(urlOf(server))]
  const ttl = 6_000
  const lease = await one.lock('a', { ttl }).acquire()
  const began = now()
  const loss = lossOf(lease)
  await server.command('CONFIG', 'SET', 'maxmemory', '1')
  await server.command('SET', 'filler', 'x').catch(() => undefined)
  await server.command('CONFIG', 'SET', 'maxmemory', '0')
  expect(await server.command('EXISTS', 'locks:{:a}')).toBe(0)
  const next = await other.lock('a').acquire()
  expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
  await poll('the first one learns it', () => loss.at !== undefined)
  expect(loss.at).toBeLessThan(began + ttl / 3 + 700)
  expect(lease.signal.reason).toMatchObject(lost)
  expect(await lease.release()).toBe(false)
  await next.renew()
})
