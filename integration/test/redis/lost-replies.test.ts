/** Requests that are carried out though their replies get lost. */
import { expect, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import { backendError, lossOf, now, Party, proxyTo, redis, urlOf } from './harness.ts'

async function rivals() {
  const server = await redis()
  const proxy = await proxyTo(server)
  const [shaky, sound] = [new Party(urlOf(proxy)), new Party(urlOf(server))]
  // Both have waited, and the server knows the scripts: whose replies get lost are then those of what was carried out.
  const [first, second] = [shaky.lock('before'), sound.lock('before')]
  for (const [one, other] of [
    [first, second],
    [second, first],
  ] as const) {
    const lease = await one.acquire()
    const waiting = other.acquire()
    await poll('the other waits', async () => (await one.inspect()).waiters === 1)
    await lease.renew()
    await lease.release()
    await (await waiting).release()
  }
  return { server, proxy, shaky, sound }
}

test('an acquire whose replies get lost for a while holds once, with the first grant’s token', async () => {
  const { proxy, shaky, sound } = await rivals()
  proxy.loseReplies()
  const acquired = shaky.lock('a').acquire()
  const first = await poll('the server grants it', async () => (await sound.lock('a').inspect()).holders[0])
  await proxy.resume()
  const lease = await acquired
  expect(lease.fencingToken).toBe(first.fencingToken)
  expect(await sound.lock('a').tryAcquire()).toBeNull()
  expect(await lease.release()).toBe(true)
  const next = await sound.lock('a').acquire()
  expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
})

test('an acquire that was given up for want of a reply leaves nothing behind', async () => {
  const { server, proxy, shaky, sound } = await rivals()
  proxy.loseReplies()
  await expect(shaky.lock('a', { requestTimeout: 300 }).acquire()).rejects.toMatchObject(backendError('lock "a"'))
  expect(await server.command('EXISTS', 'locks:{:a}')).toBe(1)
  await proxy.resume()
  const began = now()
  await sound.lock('a').acquire()
  expect(now() - began, 'it had to wait out the ttl of 30 s').toBeLessThan(10_000)
})

test('a waiting acquire whose replies get lost keeps its place, and gets the lock', async () => {
  const { proxy, shaky, sound } = await rivals()
  const holder = await sound.lock('a').acquire()
  proxy.loseReplies()
  const waiting = shaky.lock('a').acquire()
  await poll('it waits', async () => (await sound.lock('a').inspect()).waiters === 1)
  const behind = sound.lock('a', { fair: 'strict' }).acquire()
  await poll('another waits behind it', async () => (await sound.lock('a').inspect()).waiters === 2)
  await proxy.resume()
  await holder.release()
  const lease = await waiting
  expect(lease.held).toBe(true)
  await lease.release()
  expect((await behind).fencingToken).toBeGreaterThan(lease.fencingToken)
})

test('a renewal whose reply gets lost is repeated, and lengthens the lease', async () => {
  const { proxy, shaky, sound } = await rivals()
  const ttl = 3_000
  const lease = await shaky.lock('a', { ttl, autoRenew: false }).acquire()
  await poll('some of its time has passed', () => lease.remaining < ttl - 500)
  proxy.loseReplies()
  const renewed = lease.renew()
  await poll('the server renews it', async () => {
    const [holder] = (await sound.lock('a').inspect()).holders
    return holder !== undefined && holder.remaining > ttl - 400
  })
  expect(lease.remaining).toBeLessThan(ttl - 500)
  await proxy.resume()
  await renewed
  expect(lease.remaining).toBeGreaterThan(ttl - 500)
  expect(await sound.lock('a').tryAcquire()).toBeNull()
})

test('a holder whose renewals are not answered is lost by its own clock, before another can hold', async () => {
  const { proxy, shaky, sound } = await rivals()
  const lease = await shaky.lock('a', { ttl: 800 }).acquire()
  const loss = lossOf(lease)
  proxy.loseReplies()
  const next = await sound.lock('a').acquire()
  expect(loss.at, 'it was lost only after the next grant').toBeLessThanOrEqual(now())
  expect(lease.held).toBe(false)
  expect(lease.signal.reason).toMatchObject({ code: 'LOCK_LOST' })
  expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
  await proxy.resume()
  expect(await lease.release()).toBe(false)
  expect(next.held).toBe(true)
  await next.renew()
})

test('a release whose reply gets lost gives the lock to who waits, and its repetitions take it from nobody', async () => {
  const { proxy, shaky, sound } = await rivals()
  const lease = await shaky.lock('a', { requestTimeout: 2_000 }).acquire()
  const waiting = sound.lock('a').acquire()
  await poll('somebody waits', async () => (await sound.lock('a').inspect()).waiters === 1)
  proxy.loseReplies()
  const releasing = lease.release()
  const next = await waiting
  await proxy.resume()
  expect(await releasing).toBe(true)
  expect(next.held).toBe(true)
  await next.renew()
  expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
})

test('a release that is never answered is an error, and the lock is free', async () => {
  const { proxy, shaky, sound } = await rivals()
  const lease = await shaky.lock('a', { requestTimeout: 300 }).acquire()
  proxy.loseReplies()
  await expect(lease.release()).rejects.toMatchObject(backendError('releasing'))
  expect(await sound.lock('a').tryAcquire()).not.toBeNull()
  await proxy.resume()
})
