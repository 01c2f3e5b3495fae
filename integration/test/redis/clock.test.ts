/** The server's wall clock is set while locks are held: that is what their expiry is judged by. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import { lossOf, lost, now, Party, redis, urlOf } from './harness.ts'

const MINUTE = 60_000
/** For how long two can hold after a step, in milliseconds: the clock is read every second while anything is held. */
const OVERLAP = 1_200

async function server() {
  const started = await redis({ faketime: true })
  return { server: started, one: new Party(urlOf(started)), other: new Party(urlOf(started)) }
}

test('a step of +60 s ends a hold of 30 s, and its holder learns it within 1.2 s', async () => {
  const { server: started, one, other } = await server()
  const lease = await one.lock('a').acquire()
  const loss = lossOf(lease)
  // In between two readings.
  await sleep(600)
  started.stepClock(MINUTE)
  const next = await poll('another gets it', async () => (await other.lock('a').tryAcquire()) ?? false)
  const granted = now()
  await poll('the first one learns it', () => loss.at !== undefined)
  expect((loss.at ?? 0) - granted).toBeLessThan(OVERLAP)
  expect(lease.signal.reason).toMatchObject(lost)
  expect(lease.held).toBe(false)
  expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
  expect(await lease.release()).toBe(false)
  await next.renew()
})

test('whoever waits gets the lock that a step of +60 s has ended', async () => {
  const { server: started, one, other } = await server()
  const lease = await one.lock('a').acquire()
  const waiting = other.lock('a').acquire()
  await poll('it waits', async () => (await one.lock('a').inspect()).waiters === 1)
  started.stepClock(MINUTE)
  const next = await waiting
  const granted = now()
  await poll('the first one learns it', () => !lease.held)
  expect(now() - granted).toBeLessThan(OVERLAP)
  expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
})

test('a hold of 10 minutes survives a step of +60 s, and is renewed at once', async () => {
  const { server: started, one, other } = await server()
  const lease = await one.lock('a', { ttl: 10 * MINUTE }).acquire()
  started.stepClock(MINUTE)
  const ends = async (): Promise<number> => (await other.lock('a').inspect()).holders[0]?.remaining ?? 0
  expect(await ends()).toBeLessThan(9 * MINUTE + 1_000)
  await poll('it is renewed', async () => (await ends()) > 10 * MINUTE - 5_000)
  expect(lease.held).toBe(true)
  expect(lease.signal.aborted).toBe(false)
  expect(await other.lock('a').tryAcquire()).toBeNull()
})

test('a hold that nothing renews loses as much as the clock was set forward, within 1.2 s', async () => {
  const { server: started, one } = await server()
  const lease = await one.lock('a', { ttl: 10 * MINUTE, autoRenew: false }).acquire()
  started.stepClock(MINUTE)
  const began = now()
  await poll('it is known', () => lease.remaining < 9 * MINUTE)
  expect(now() - began).toBeLessThan(OVERLAP)
  expect(lease.remaining).toBeGreaterThan(8.7 * MINUTE)
})

test('a step of −60 s takes nothing from a holder, and lets nobody else in', async () => {
  const { server: started, one, other } = await server()
  const lease = await one.lock('a', { ttl: 2_000 }).acquire()
  started.stepClock(-MINUTE)
  const waiting = other.lock('a').acquire()
  await sleep(3_000)
  expect(lease.held).toBe(true)
  expect(await lease.release()).toBe(true)
  const next = await waiting
  expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
})

test('after a step of −60 s a hold that is not renewed still ends for its holder with its ttl', async () => {
  const { server: started, one, other } = await server()
  const began = now()
  const lease = await one.lock('a', { ttl: 2_000, autoRenew: false }).acquire()
  const loss = lossOf(lease)
  started.stepClock(-MINUTE)
  await poll('it is lost', () => loss.at !== undefined)
  expect((loss.at ?? 0) - began).toBeLessThan(2_000)
  expect(await lease.release()).toBe(false)
  expect((await other.lock('a').acquire()).fencingToken).toBeGreaterThan(lease.fencingToken)
})

test('tokens rise however the clock is set', async () => {
  const { server: started, one } = await server()
  let last = 0n
  for (const step of [0, MINUTE, -2 * MINUTE, 5 * MINUTE, -10 * MINUTE]) {
    started.stepClock(step)
    const lease = await one.lock('a').acquire()
    expect(lease.fencingToken).toBeGreaterThan(last)
    last = lease.fencingToken
    await lease.release()
  }
})
