/** An `add` that arrives when all is over: it takes nothing, even where others have taken the lock's item away. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Lease, Lock, type LockBackend } from '@locks/core'
import { expect, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import { memcached, Party } from './harness.ts'

test.each([
  [
    'released by the process to which it was handed over',
    async (lease: Lease, backend: LockBackend) => (await Lock.attach(await lease.detach(), { backend })).release(),
  ],
  ['broken by another process', (_: Lease, backend: LockBackend) => new Lock('a', { backend }).forceRelease()],
])('a hold taken at the second attempt, and %s', async (_, end) => {
  const server = await memcached()
  const [one, other] = [await Party.at(server), await Party.at(server)]
  await one.lock('b').using(() => undefined)
  one.proxy.delay(3_500, 3_500)
  const taking = one.lock('a', { requestTimeout: 5_000 }).acquire()
  await sleep(500)
  await one.proxy.resume()
  const lease = await taking
  expect(await end(lease, other.backend)).toBe(true)
  await sleep(2_500)
  expect(await other.lock('a').locked()).toBe(false)
})

test('given up while another one held, over a connection that had failed by then', async () => {
  const server = await memcached()
  const [one, other] = [await Party.at(server), await Party.at(server)]
  await one.lock('b').using(() => undefined)
  one.proxy.delay(1_800, 1_800)
  const failing = one.lock('c').tryAcquire({ requestTimeout: 300 })
  failing.catch(() => undefined)
  const givingUp = new AbortController()
  const taking = one.lock('a').acquire({ signal: givingUp.signal })
  taking.catch(() => undefined)
  const lease = await other.lock('a').acquire()
  await expect(failing).rejects.toMatchObject({ code: 'LOCK_BACKEND' })
  await one.proxy.resume()
  givingUp.abort()
  await expect(taking).rejects.toBe(givingUp.signal.reason)
  await sleep(500)
  expect(await lease.release()).toBe(true)
  await sleep(2_000)
  expect(await other.lock('a').locked()).toBe(false)
})

test('what is written over a tombstone stays as long, however short its ttl is', async () => {
  const server = await memcached()
  const [one, other] = [await Party.at(server), await Party.at(server)]
  const givingUp = new AbortController()
  const taking = one.lock('a').acquire({ signal: givingUp.signal })
  await sleep(1)
  givingUp.abort()
  await taking.catch(() => undefined)
  await poll('its tombstone is there', async () => (await server.keys()).length > 0)
  await other.lock('a', { ttl: 100, autoRenew: false }).acquire()
  const [key = ''] = await server.keys()
  expect((await server.endOf(key)) - (await server.stat('time'))).toBeGreaterThan(60)
})
