/** A master that dies, and a replica that takes its place by the word of Sentinels. */
import type { Lease } from '@locks/core'
import { Redis } from 'ioredis'
import { createSentinel } from 'redis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import { type RedisSentinel, startSentinel } from '../../servers/redis-sentinel.ts'
import { lossOf, lost, now, Party } from './harness.ts'

async function sentinels(): Promise<RedisSentinel> {
  const group = await startSentinel()
  onTestFinished(() => group.stop())
  return group
}

const addresses = (group: RedisSentinel) => group.sentinels.map(({ host, port }) => ({ host, port }))

const clients = {
  'its own client': (group: RedisSentinel) => ({ sentinels: addresses(group), name: group.name }),
  'a URL': (group: RedisSentinel) =>
    `redis://${addresses(group).map(({ host, port }) => `${host}:${port}`)}?sentinel=${group.name}`,
  ioredis: (group: RedisSentinel) => {
    const client = new Redis({ sentinels: addresses(group), name: group.name })
    client.on('error', () => undefined)
    onTestFinished(() => client.disconnect())
    return client
  },
  'node-redis': async (group: RedisSentinel) => {
    const client = createSentinel({ name: group.name, sentinelRootNodes: addresses(group) })
    await client.on('error', () => undefined).connect()
    onTestFinished(() => client.destroy())
    return client
  },
}

const replicated = (group: RedisSentinel): Promise<unknown> => group.master.command('WAIT', 1, 5_000)

async function renewed(lease: Lease): Promise<true> {
  await lease.renew()
  return true
}

describe.each(Object.entries(clients))('by %s', (_, open) => {
  test('what was replicated survives a failover: a hold, a place in the queue, rising tokens', async () => {
    const group = await sentinels()
    const [one, other] = [new Party(await open(group)), new Party(await open(group))]
    const lock = one.lock('a', { timeout: 20_000 })
    const lease = await lock.acquire()
    const waiting = other.lock('a', { timeout: 60_000, requestTimeout: 20_000 }).acquire()
    await poll('somebody waits', async () => (await lock.inspect()).waiters === 1)
    await replicated(group)
    await group.failover()
    await poll('it is renewed', () => renewed(lease))
    expect(lease.signal.aborted).toBe(false)
    await poll('somebody waits again', async () => (await lock.inspect()).waiters === 1)
    expect((await lock.inspect()).holders).toMatchObject([{ fencingToken: lease.fencingToken }])
    expect(await lease.release()).toBe(true)
    const next = await waiting
    expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
    await next.renew()
  })
})

test('a grant that had not been replicated is lost: two hold until the first one’s next renewal; tokens rise', async () => {
  const group = await sentinels()
  const open = clients['its own client']
  const [one, other] = [new Party(open(group)), new Party(open(group))]
  await other.lock('before').using(() => undefined)
  await replicated(group)
  const [replica] = group.replicas
  replica?.pause()
  // It could not come back for what it missed.
  await group.master.command('CLIENT', 'KILL', 'TYPE', 'replica')
  const ttl = 20_000
  const lease = await one.lock('a', { ttl }).acquire()
  const granted = now()
  const loss = lossOf(lease)
  await group.master.kill()
  replica?.resume()
  await group.failover()
  const next = await poll('another gets it', () => other.lock('a').acquire())
  expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
  // This is what replication can't prevent, and what the tokens are for.
  expect([lease.held, next.held]).toEqual([true, true])
  await poll('the first one learns it', () => loss.at !== undefined)
  expect(lease.signal.reason).toMatchObject(lost)
  expect(loss.at, 'it was its deadline that told').toBeLessThan(granted + ttl / 3 + 1_000)
  expect(await lease.release()).toBe(false)
  await next.renew()
})
