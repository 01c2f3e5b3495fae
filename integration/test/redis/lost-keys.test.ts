/** One of a lock's keys is gone while the others are there: it was evicted, or deleted by hand. */
import { ReadWriteLock } from '@locks/core'
import { expect, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import { lost, Party, redis, urlOf } from './harness.ts'

async function reader() {
  const server = await redis()
  const [one, other] = [new Party(urlOf(server)), new Party(urlOf(server))]
  const lease = await new ReadWriteLock('a', { backend: one.backend }).read.acquire()
  return { server, other, lease }
}

test('without the first key, a reader learns at its next renewal that another holds', async () => {
  const { server, other, lease } = await reader()
  await server.command('DEL', 'locks:{:a}')
  const writer = await other.lock('a').acquire()
  expect(writer.fencingToken).toBeGreaterThan(lease.fencingToken)
  const next = other.lock('a', { fair: 'strict' }).acquire()
  await poll('somebody waits', async () => (await other.lock('a').inspect()).waiters === 1)
  await expect(lease.renew()).rejects.toMatchObject(lost)
  expect(writer.held).toBe(true)
  await writer.release()
  expect((await next).fencingToken).toBeGreaterThan(writer.fencingToken)
})

test.for(['m', 'h', 'q'])(
  'without the key that ends with %s, the lock goes on being granted, in order',
  async (which) => {
    const { server, other, lease } = await reader()
    const waiting = other.lock('a').acquire()
    await poll('a writer waits', async () => (await other.lock('a').inspect()).waiters === 1)
    await server.command('DEL', `locks:{:a}:${which}`)
    const another = await other.lock('a').tryAcquire()
    await another?.release()
    await lease.release()
    const writer = await waiting
    expect(writer.fencingToken).toBeGreaterThan(lease.fencingToken)
    await writer.renew()
  },
)
