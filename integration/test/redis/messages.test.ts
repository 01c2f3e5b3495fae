/** Trouble with the connection over which grants are heard, and with those that wait for them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import type { RedisServer } from '../../servers/redis-binary.ts'
import { now, Party, process, proxyTo, redis, urlOf } from './harness.ts'

/** How late a waiter that hears nothing is at most, in milliseconds: it looks again every 1.5 s. */
const BACKUP = 1_500 + 700

/** Hears over a connection of its own way, which can be troubled alone. */
class TwoWays extends Redis {
  hearsAt = 0

  override duplicate(override?: object): Redis {
    return super.duplicate({ ...override, port: this.hearsAt })
  }
}

const listeners = async (server: RedisServer): Promise<number> =>
  `${await server.command('CLIENT', 'LIST', 'TYPE', 'pubsub')}`.split('\n').filter((line) => line !== '').length

/** Somebody who hears through a proxy, and waits for the lock `a` that somebody else holds. */
async function waiter() {
  const server = await redis()
  const proxy = await proxyTo(server)
  const client = new TwoWays({ port: server.port })
  client.hearsAt = proxy.port
  onTestFinished(() => client.disconnect())
  const [holder, deaf] = [new Party(urlOf(server)), new Party(client)]
  const lease = await holder.lock('a').acquire()
  const waiting = deaf.lock('a', { timeout: 20_000 }).acquire()
  await poll('it waits', async () => (await holder.lock('a').inspect()).waiters === 1)
  return { server, proxy, lease, holder, deaf, waiting }
}

test('a grant is heard at once', async () => {
  const { lease, waiting } = await waiter()
  // Just looked: it would not look again for a second.
  await lease.release()
  const began = now()
  const next = await waiting
  expect(now() - began).toBeLessThan(700)
  expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
})

test('a grant that cannot be heard, as the connection is cut, is found within the backup look', async () => {
  const { proxy, lease, waiting } = await waiter()
  proxy.refuse()
  proxy.reset()
  await lease.release()
  const began = now()
  const next = await waiting
  expect(now() - began).toBeLessThan(BACKUP)
  expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
  await next.renew()
})

test('a connection that is cut is made again, and what it missed is looked for', async () => {
  const { server, proxy, lease, holder, deaf, waiting } = await waiter()
  proxy.reset()
  await poll('it hears again', async () => (await listeners(server)) === 1)
  await lease.release()
  const next = await waiting
  const again = holder.lock('a').acquire()
  await poll('somebody waits', async () => (await deaf.lock('a').inspect()).waiters === 1)
  await next.release()
  expect((await again).fencingToken).toBeGreaterThan(next.fencingToken)
})

test('a half-open connection costs the backup look at most, and is replaced while somebody waits', async () => {
  const { server, proxy, lease, holder, deaf, waiting } = await waiter()
  proxy.halfOpen()
  await poll('the server knows of no listener', async () => (await listeners(server)) === 0)
  await lease.release()
  const began = now()
  const next = await waiting
  expect(now() - began).toBeLessThan(BACKUP)
  await next.release()

  const other = await holder.lock('a').acquire()
  const again = deaf.lock('a', { timeout: 20_000 }).acquire()
  await poll('it hears again', async () => (await listeners(server)) === 1)
  await other.release()
  expect((await again).held).toBe(true)
})

test('a waiter that is killed between the grant and its claim holds up the next one for 2 s at most', async () => {
  const server = await redis()
  const party = new Party(urlOf(server))
  const lock = party.lock('a')
  const lease = await lock.acquire()
  const doomed = process(server)
  doomed.call('acquire', 'a', {}).catch(() => undefined)
  await poll('it waits', async () => (await lock.inspect()).waiters === 1)
  const next = party.lock('a', { fair: 'strict' }).acquire()
  await poll('another waits behind it', async () => (await lock.inspect()).waiters === 2)
  doomed.pause()
  await lease.release()
  const began = now()
  const [granted] = (await lock.inspect()).holders
  expect(granted?.fencingToken, 'the grant went to nobody').toBeGreaterThan(lease.fencingToken)
  await doomed.kill()
  const { fencingToken } = await next
  expect(now() - began).toBeLessThan(2_000 + 700)
  expect(fencingToken).toBeGreaterThan(granted?.fencingToken ?? 0n)
})

test('a waiter that stood still after its grant takes nothing from the next one', async () => {
  const server = await redis()
  const party = new Party(urlOf(server))
  const lock = party.lock('a')
  const lease = await lock.acquire()
  const stalled = process(server)
  const late = stalled.call('acquire', 'a', { timeout: 20_000 })
  await poll('it waits', async () => (await lock.inspect()).waiters === 1)
  stalled.pause()
  await lease.release()
  const next = await lock.acquire()
  stalled.resume()
  await sleep(500)
  expect(stalled.told, 'it took a grant that was over').toEqual([])
  await next.renew()
  await next.release()
  expect(BigInt(`${await late}`)).toBeGreaterThan(next.fencingToken)
})

test.for(['exit', 'kill'] as const)('a waiter whose process ends (%s) gives its place to the next one', async (how) => {
  const server = await redis()
  const party = new Party(urlOf(server))
  const lock = party.lock('a')
  const lease = await lock.acquire()
  const leaving = process(server)
  leaving.call('acquire', 'a', {}).catch(() => undefined)
  await poll('it waits', async () => (await lock.inspect()).waiters === 1)
  const next = party.lock('a', { fair: 'strict', timeout: 20_000 }).acquire()
  await poll('another waits behind it', async () => (await lock.inspect()).waiters === 2)
  if (how === 'kill') await leaving.kill()
  else leaving.call('exit').catch(() => undefined)
  await leaving.ended
  await poll('its place is gone', async () => (await lock.inspect()).waiters === 1)
  await lease.release()
  expect((await next).fencingToken).toBeGreaterThan(lease.fencingToken)
})
