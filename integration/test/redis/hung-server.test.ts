/** A server that was stopped and goes on: what was sent to it meanwhile is carried out late. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import { backendError, lossOf, lost, now, Party, process, redis, urlOf } from './harness.ts'

async function stoppable() {
  const server = await redis()
  const [one, other] = [new Party(urlOf(server)), new Party(urlOf(server))]
  for (const party of [one, other]) await party.lock('before').using((lease) => lease.renew())
  return { server, one, other }
}

test('acquiring fails in time, and what arrives late takes nothing', async () => {
  const { server, one, other } = await stoppable()
  server.pause()
  const began = now()
  await expect(one.lock('a', { requestTimeout: 400 }).acquire()).rejects.toMatchObject(backendError('lock "a"'))
  await expect(one.lock('b', { requestTimeout: 400 }).locked()).rejects.toMatchObject(backendError('lock "b"'))
  await expect(one.lock('c', { requestTimeout: 400 }).tryAcquire()).rejects.toMatchObject(backendError('lock "c"'))
  expect(now() - began).toBeLessThan(3_000)
  server.resume()
  // Each is free, or will be as soon as its late request has been undone.
  for (const name of ['a', 'c']) {
    const lease = await other.lock(name, { timeout: 5_000 }).acquire()
    expect(lease.held).toBe(true)
    await lease.renew()
  }
})

test('what a dead client had asked for arrives too late to take anything', async () => {
  const { server, other } = await stoppable()
  const doomed = process(server)
  await doomed.call('acquire', 'before', {})
  await doomed.call('release')
  server.pause()
  const requestTimeout = 600
  const asked = now()
  doomed.call('acquire', 'a', { requestTimeout, ttl: 60_000 }).catch(() => undefined)
  // Its request has been sent, and it has not given up yet: that would be sent as well.
  await sleep(requestTimeout / 2)
  await doomed.kill()
  await sleep(Math.max(0, asked + 1.5 * requestTimeout - now()))
  server.resume()
  expect((await other.lock('a').inspect()).holders).toEqual([])
  expect(await other.lock('a').tryAcquire()).not.toBeNull()
})

test('a holder is lost by its own clock, and cannot take the lock from the next one', async () => {
  const { server, one, other } = await stoppable()
  const lease = await one.lock('a', { ttl: 800 }).acquire()
  const loss = lossOf(lease)
  server.pause()
  const waiting = other.lock('a', { timeout: 20_000, requestTimeout: 10_000 }).acquire()
  await poll('it is lost', () => loss.at !== undefined)
  expect(lease.signal.reason).toMatchObject(lost)
  expect(lease.held).toBe(false)
  server.resume()
  const next = await waiting
  expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
  expect(await lease.release()).toBe(false)
  await next.renew()
  expect(next.held).toBe(true)
})

test('a holder whose server hangs for less than its ttl keeps the lock', async () => {
  const { server, one, other } = await stoppable()
  const ttl = 2_000
  const lease = await one.lock('a', { ttl }).acquire()
  server.pause()
  await poll('a renewal is overdue', () => lease.remaining < ttl / 2)
  server.resume()
  await poll('it is renewed', () => lease.remaining > ttl / 2 + 200)
  expect(await other.lock('a').tryAcquire()).toBeNull()
  expect(lease.signal.aborted).toBe(false)
})

test('releasing fails in time; the server releases when it goes on', async () => {
  const { server, one, other } = await stoppable()
  const lease = await one.lock('a', { requestTimeout: 400 }).acquire()
  server.pause()
  const began = now()
  await expect(lease.release()).rejects.toMatchObject(backendError('releasing'))
  expect(now() - began).toBeLessThan(2_000)
  expect(lease.held).toBe(false)
  server.resume()
  const next = await other.lock('a', { timeout: 5_000 }).acquire()
  expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
})

test('who waits meanwhile gets its turn when the server goes on', async () => {
  const { server, one, other } = await stoppable()
  const lease = await one.lock('a').acquire()
  const waiting = other.lock('a', { timeout: 20_000, requestTimeout: 10_000 }).acquire()
  await poll('it waits', async () => (await one.lock('a').inspect()).waiters === 1)
  server.pause()
  const releasing = lease.release()
  server.resume()
  expect(await releasing).toBe(true)
  expect((await waiting).fencingToken).toBeGreaterThan(lease.fencingToken)
})
