/** What those leave behind who waited for long holds, or let go in an awkward moment. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import { keysOn, now, Party, proxyTo, redis, urlOf } from './harness.ts'

async function parties() {
  const server = await redis()
  return { server, one: new Party(urlOf(server)), other: new Party(urlOf(server)) }
}

test('a hold without end for which others waited leaves no key without end', async () => {
  const { server, one, other } = await parties()
  const lease = await one.lock('a', { ttl: Number.POSITIVE_INFINITY }).acquire()
  const waiting = other.lock('a').acquire()
  await poll('it waits', async () => (await one.lock('a').inspect()).waiters === 1)
  await lease.release()
  await (await waiting).release()
  for (const key of await keysOn(server)) expect(await server.command('PTTL', key), key).toBeGreaterThan(0)
})

test('those who asked to be told and gave up are forgotten', async () => {
  const { server, one, other } = await parties()
  const lease = await one.lock('a').acquire()
  const asked = async (): Promise<string> => `${await server.command('HGET', 'locks:{:a}:m', 'c')}`
  const patient = other.lock('a', { fair: false }).acquire()
  await poll('one asks to be told', async () => (await asked()).length > 22)
  const before = await asked()
  const late = { fair: false, timeout: 30 } as const
  for (let turn = 0; turn < 5; turn += 1)
    expect(await other.lock('a', { ttl: 1_000 + turn }).tryAcquire(late)).toBeNull()
  await poll('they are forgotten', async () => (await asked()) === before)
  await lease.release()
  await (await patient).release()
  expect(await server.command('EXISTS', 'locks:{:a}:m')).toBe(0)
})

test('a hold without end that is released while it is renewed keeps nobody reading the clock', async () => {
  const server = await redis()
  const proxy = await proxyTo(server)
  const party = new Party(urlOf(proxy))
  const lease = await party.lock('a', { ttl: Number.POSITIVE_INFINITY }).acquire()
  proxy.delay(30, 30, { replies: true })
  const renewing = lease.renew()
  await lease.release()
  await renewing
  await proxy.resume()
  const before = await server.requests()
  await sleep(2_500)
  // Each question for the number counts a little.
  expect((await server.requests()) - before).toBeLessThan(4)
})

test('a request that may take for ever does not spoil the lock for others', async () => {
  const { one, other } = await parties()
  const lease = await one.lock('a').acquire()
  for (const requestTimeout of [Number.MAX_SAFE_INTEGER, 1e13, 1e21, Number.MAX_VALUE])
    expect(await other.lock('a', { requestTimeout }).tryAcquire({ timeout: 50 })).toBeNull()
  await poll('nobody waits any more', async () => (await other.lock('a').inspect()).waiters === 0)
  await lease.renew()
  expect(await other.lock('a').tryAcquire()).toBeNull()
  expect(await lease.release()).toBe(true)
  await other.lock('a', { requestTimeout: 1e13 }).using(() => undefined)
})

test('who waits behind one that died is served as soon as a hold runs out', async () => {
  const server = await redis()
  const proxy = await proxyTo(server)
  const [one, dead, other] = [new Party(urlOf(server)), new Party(urlOf(proxy)), new Party(urlOf(server))]
  const ttl = 8_000
  await one.lock('a', { ttl, autoRenew: false }).acquire()
  const granted = now()
  dead
    .lock('a')
    .acquire({ timeout: 20_000, requestTimeout: 1_000 })
    .catch(() => undefined)
  await poll('it waits', async () => (await one.lock('a').inspect()).waiters === 1)
  proxy.dropBoth()
  const lease = await other.lock('a').acquire({ timeout: 20_000 })
  expect(now() - granted).toBeLessThan(ttl + 120)
  await lease.release()
})
