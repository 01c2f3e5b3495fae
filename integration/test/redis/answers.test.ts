/** What is said of locks, to whom ever asks. */
import { createLocks, ReadWriteLock } from '@locks/core'
import { redisBackend } from '@locks/redis'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { Party, redis, urlOf } from './harness.ts'

test('names are listed over a client that makes texts of numbers', async () => {
  const server = await redis()
  const client = new Redis(server.port, server.host, { stringNumbers: true })
  onTestFinished(() => client.disconnect())
  const locks = createLocks({ backend: redisBackend(client) })
  await locks.lock('a').acquire()
  expect(await locks.list('')).toEqual(['a'])
  await locks.close()
})

test('a writer that waited in vain hears that readers were in its way', async () => {
  const server = await redis()
  const [one, other] = [new Party(urlOf(server)), new Party(urlOf(server))]
  await new ReadWriteLock('a', { backend: one.backend }).read.acquire()
  const failed = { code: 'LOCK_TIMEOUT', holder: { mode: 'shared' } }
  await expect(other.lock('a').acquire({ timeout: 50 })).rejects.toMatchObject(failed)
})
