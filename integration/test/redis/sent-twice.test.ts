/** A client of the user's that sends again what was not answered: both copies may arrive, the first of them last. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createLocks } from '@locks/core'
import { redisQuorumBackend } from '@locks/redis'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import { Party, proxyTo, redis, urlOf } from './harness.ts'

/** How long the first copy is under way, in milliseconds. */
const LATE = 1_000

async function repeating() {
  const server = await redis()
  const proxy = await proxyTo(server)
  const client = new Redis(proxy.port, proxy.host)
  client.on('error', () => undefined)
  onTestFinished(() => client.disconnect())
  const [one, other] = [new Party(client), new Party(urlOf(server))]
  // The server knows the scripts, and its clock is known.
  for (const party of [one, other]) await party.lock('a').using(() => undefined)
  /** Has the next request sent twice. */
  const repeat = async (): Promise<void> => {
    await sleep(LATE / 10)
    proxy.cut()
    proxy.delay(0, 0)
  }
  return { proxy, one, other, repeat }
}

test('an acquire whose first copy arrives after the release, and after another’s hold, takes nothing', async () => {
  const { proxy, one, other, repeat } = await repeating()
  proxy.delay(LATE, LATE)
  const acquiring = one.lock('a').acquire()
  await repeat()
  await (await acquiring).release()
  await other.lock('a').using(() => undefined)
  await sleep(LATE)
  expect((await other.lock('a').inspect()).holders).toEqual([])
})

test('an attempt that found the lock busy takes nothing by its first copy', async () => {
  const { proxy, one, other, repeat } = await repeating()
  const lease = await other.lock('a').acquire()
  proxy.delay(LATE, LATE)
  const trying = one.lock('a').tryAcquire()
  await repeat()
  expect(await trying).toBeNull()
  await lease.release()
  await sleep(LATE)
  expect((await other.lock('a').inspect()).holders).toEqual([])
})

test('a break that is sent twice leaves the hold of whom the first copy let in', async () => {
  const { proxy, one, other } = await repeating()
  await one.lock('a').forceRelease()
  await other.lock('a').acquire()
  const waiting = other.lock('a', { fair: 'strict' }).acquire()
  await poll('somebody waits', async () => (await one.lock('a').inspect()).waiters === 1)
  proxy.loseReplies()
  const breaking = one.lock('a').forceRelease()
  const next = await waiting
  await proxy.resume()
  expect(await breaking).toBe(true)
  await next.renew()
})

test('a break of a quorum’s lock that is sent twice leaves the hold of whom the first copy let in', async () => {
  const server = await redis()
  const proxy = await proxyTo(server)
  const client = new Redis(proxy.port, proxy.host)
  client.on('error', () => undefined)
  onTestFinished(() => client.disconnect())
  const [mine, others] = [redisQuorumBackend([client]), redisQuorumBackend([urlOf(server)])].map((backend) => {
    const locks = createLocks({ backend })
    onTestFinished(() => locks.close())
    return locks
  })
  if (mine === undefined || others === undefined) throw new Error('two sets of locks')
  await mine.lock('a').forceRelease()
  await others.lock('a').acquire()
  proxy.loseReplies()
  const breaking = mine.lock('a').forceRelease()
  const next = await others.lock('a').acquire()
  await proxy.resume()
  expect(await breaking).toBe(true)
  await next.renew()
  await next.release()
})
