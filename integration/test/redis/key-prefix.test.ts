import { createLocks } from '@locks/core'
import { redisBackend } from '@locks/redis'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RedisServer, startRedis } from '../../servers/redis-binary.ts'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

test('clients of different libraries with the same key prefix have the same locks, waited for and listed', async () => {
  const ioredis = new Redis(server.port, server.host, { keyPrefix: 'app:' })
  const nodeRedis = createClient({ url: `redis://${server.host}:${server.port}`, keyPrefix: 'app:' })
  await nodeRedis.connect()
  const [one, other] = [ioredis, nodeRedis].map((client) => createLocks({ backend: redisBackend(client) }))
  if (one === undefined || other === undefined) throw new Error('two sets of locks')

  const lease = await one.lock('shared').acquire()
  expect(await other.lock('shared').tryAcquire()).toBeNull()
  expect(await other.list('')).toEqual(['shared'])
  const waiting = other.lock('shared').acquire()
  await lease.release()
  const next = await waiting
  expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
  expect(await one.list('')).toEqual(['shared'])
  await next.release()

  const keys = (await server.command('KEYS', '*')) as readonly string[]
  for (const key of keys) expect(key).toMatch(/^app:locks:\{:shared\}/)
  await one.close()
  await other.close()
  ioredis.disconnect()
  nodeRedis.destroy()
})
