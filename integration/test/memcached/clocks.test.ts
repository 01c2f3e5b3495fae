/** Wall clocks that are days apart, and a server's that is late. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { memcached, Party } from './harness.ts'

const DAY = 86_400_000

test.each([-400, 400])('a hold of 40 days, where clients’ clock is set by %i days, is one', async (days) => {
  const server = await memcached()
  const [one, other] = [await Party.at(server), await Party.at(server)]
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + days * DAY })
  try {
    const lease = await one.lock('a', { ttl: 40 * DAY }).acquire()
    expect(await other.lock('a').tryAcquire()).toBeNull()
    const left = (await server.stat('time')) + 40 * 86_400
    expect(Math.abs((await server.endOf((await server.keys())[0] ?? '')) - left)).toBeLessThan(60)
    expect(await lease.release()).toBe(true)
  } finally {
    vi.useRealTimers()
  }
})

test('an item outlives its hold by more than the server’s clock may be late', async () => {
  const server = await memcached()
  const party = await Party.at(server)
  const lease = await party.lock('a', { ttl: 1_000 }).acquire()
  for (let turn = 0; turn < 3; turn += 1) {
    const [key = ''] = await server.keys()
    expect((await server.endOf(key)) - (await server.stat('time'))).toBeGreaterThanOrEqual(11)
    await lease.renew()
  }
  expect(await lease.release()).toBe(true)
})

test('a hold lasts, and is one, while the server comes to a halt again and again', { timeout: 60_000 }, async () => {
  const server = await memcached()
  const [one, other] = [await Party.at(server), await Party.at(server)]
  const lease = await one.lock('a', { ttl: 2_000 }).acquire()
  for (let turn = 0; turn < 20; turn += 1) {
    server.pause()
    await sleep(100 + 10 * turn)
    server.resume()
    await sleep(300 - 10 * turn)
    expect(await other.lock('a').tryAcquire()).toBeNull()
    lease.assertHeld()
  }
  expect(await lease.release()).toBe(true)
})
