import { ReadWriteLock } from '@locks/core'
import { redisBackend } from '@locks/redis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import type { RedisServer } from '../../servers/redis-binary.ts'
import { type RedisCluster, startCluster } from '../../servers/redis-cluster.ts'

let cluster: RedisCluster
beforeAll(async () => {
  cluster = await startCluster({ masters: 3 })
})
afterAll(() => cluster.stop())

const idOf = async (node: RedisServer): Promise<string> => String(await node.command('CLUSTER', 'MYID'))

test('while the slot of a lock is being moved, nothing is done by halves', async () => {
  const nodes = cluster.nodes.map(({ host, port }) => ({ host, port }))
  const backend = redisBackend({ cluster: nodes })
  const { read, write } = new ReadWriteLock('moving', { backend, requestTimeout: 700 })
  const readers = [await read.acquire(), await read.acquire()]
  const another = await read.acquire()

  const main = 'locks:{:moving}'
  const source = await cluster.ownerOf(main)
  const target = cluster.nodes.find((node) => node !== source) as RedisServer
  const slot = Number(await source.command('CLUSTER', 'KEYSLOT', main))
  await target.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', await idOf(source))
  await source.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', await idOf(target))
  const move = (key: string) => source.command('MIGRATE', target.host, target.port, key, 0, 5_000)
  // Nobody waits, so the queue may have been moved, for all that the source knows: a script that would get stuck there
  // halfway does not even begin.
  await expect(another.release()).rejects.toMatchObject({ code: 'LOCK_BACKEND' })
  expect(await source.command('ZCARD', `${main}:h`)).toBe(3)

  // Those who hold have gone ahead.
  await move(`${main}:h`)

  await expect(write.tryAcquire()).rejects.toMatchObject({ code: 'LOCK_BACKEND' })
  for (const reader of readers) expect(reader.held).toBe(true)

  for (const key of [main, `${main}:m`]) await move(key)
  for (const node of cluster.nodes) await node.command('CLUSTER', 'SETSLOT', slot, 'NODE', await idOf(target))
  expect(await write.tryAcquire()).toBeNull()
  for (const reader of readers) expect(await reader.release()).toBe(true)
  const writer = await poll('the writer is granted the lock', async () => (await write.tryAcquire()) ?? false)
  expect(writer.fencingToken).toBeGreaterThan(readers[1]?.fencingToken ?? 0n)
  await writer.release()
  await backend.close()
}, 30_000)
