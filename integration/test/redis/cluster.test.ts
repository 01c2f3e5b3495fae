/** What only a Cluster does: keys on several masters, slots that move, messages from node to node. */
import { createLocks } from '@locks/core'
import { Cluster } from 'ioredis'
import { createCluster } from 'redis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import type { RedisServer } from '../../servers/redis-binary.ts'
import { type RedisCluster, startCluster } from '../../servers/redis-cluster.ts'
import { lossOf, now, Party } from './harness.ts'

let cluster: RedisCluster

beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster.stop())

const addresses = () => cluster.nodes.map(({ host, port }) => ({ host, port }))

const clients = {
  'its own client': () => ({ cluster: addresses() }),
  'a URL': () => `redis://${addresses().map(({ host, port }) => `${host}:${port}`)}?cluster=true`,
  ioredis: () => {
    const client = new Cluster(addresses())
    onTestFinished(() => client.disconnect())
    return client
  },
  'node-redis': async () => {
    const client = createCluster({ rootNodes: addresses().map((socket) => ({ socket })) })
    await client.on('error', () => undefined).connect()
    onTestFinished(() => client.destroy())
    return client
  },
}

/** A slot's keys go to another node, as an operator moves them. */
async function move(key: string, to: RedisServer): Promise<void> {
  const from = await cluster.ownerOf(key)
  const slot = Number(await from.command('CLUSTER', 'KEYSLOT', key))
  const [fromId, toId] = [await from.command('CLUSTER', 'MYID'), await to.command('CLUSTER', 'MYID')].map(String)
  await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId as string)
  await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId as string)
  const keys = (await from.command('CLUSTER', 'GETKEYSINSLOT', slot, 100)) as readonly string[]
  await from.command('MIGRATE', to.host, to.port, '', 0, 5_000, 'KEYS', ...keys)
  await to.command('CLUSTER', 'SETSLOT', slot, 'NODE', toId as string)
  await from.command('CLUSTER', 'SETSLOT', slot, 'NODE', toId as string)
}

async function elsewhere(key: string): Promise<RedisServer> {
  const owner = await cluster.ownerOf(key)
  return cluster.nodes.find((node) => node !== owner) as RedisServer
}

describe.each(Object.entries(clients))('by %s', (family, open) => {
  const name = (what: string): string => `${what} by ${family}`

  test('locks of all masters are taken, waited for and listed', async () => {
    const [one, other] = [new Party(await open()), new Party(await open())]
    const names = Array.from({ length: 12 }, (_, index) => name(`many ${index}`))
    const owners = new Set(await Promise.all(names.map((each) => cluster.ownerOf(`locks:{:${each}}`))))
    expect(owners.size).toBe(3)
    const leases = await Promise.all(names.map((each) => one.lock(each).acquire()))
    const waiting = names.map((each) => other.lock(each).acquire())
    expect(await createLocks({ backend: other.backend }).list('many')).toEqual(expect.arrayContaining(names))
    await poll('all wait', async () => {
      const states = await Promise.all(names.map((each) => one.lock(each).inspect()))
      return states.every(({ waiters }) => waiters === 1)
    })
    const began = now()
    await Promise.all(leases.map((lease) => lease.release()))
    const next = await Promise.all(waiting)
    expect(now() - began, 'they found it by looking').toBeLessThan(700)
    for (const [index, { fencingToken }] of next.entries())
      expect(fencingToken).toBeGreaterThan(leases[index]?.fencingToken ?? 0n)
  })

  test('a hold goes on while its slot moves, and tokens rise', async () => {
    const [one, other] = [new Party(await open()), new Party(await open())]
    const lock = one.lock(name('moving'), { ttl: 3_000 })
    const lease = await lock.acquire()
    const loss = lossOf(lease)
    const waiting = other.lock(name('moving'), { timeout: 20_000 }).acquire()
    await poll('somebody waits', async () => (await lock.inspect()).waiters === 1)
    const key = `locks:{:${name('moving')}}`
    const to = await elsewhere(key)
    await move(key, to)
    expect(await to.command('EXISTS', key)).toBe(1)
    await lease.renew()
    const began = now()
    await poll('its renewals go on', () => now() - began > 3_000)
    expect(loss.at).toBeUndefined()
    expect(await lease.release()).toBe(true)
    const next = await waiting
    expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
    await next.renew()
  })

  test('a listening connection that is cut is made again', async () => {
    const [one, other] = [new Party(await open()), new Party(await open())]
    const lock = one.lock(name('cut'))
    let lease = await lock.acquire()
    const listeners = async (): Promise<number> => {
      const lists = await Promise.all(cluster.nodes.map((node) => node.command('CLIENT', 'LIST', 'TYPE', 'pubsub')))
      return `${lists.join('\n')}`.split('\n').filter((line) => line.includes(' sub=1 ')).length
    }
    for (let round = 0; round < 2; round += 1) {
      const waiting = other.lock(name('cut')).acquire()
      await poll('somebody waits', async () => (await lock.inspect()).waiters === 1)
      await Promise.all(cluster.nodes.map((node) => node.command('CLIENT', 'KILL', 'TYPE', 'pubsub')))
      await poll('it hears again', async () => (await listeners()) >= 1)
      const began = now()
      await lease.release()
      const next = await waiting
      expect(now() - began, 'it found it by looking').toBeLessThan(700)
      expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
      await next.release()
      lease = await lock.acquire()
    }
  })
})
