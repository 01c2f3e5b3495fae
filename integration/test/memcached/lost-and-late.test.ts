/** Servers that hang, answers that are lost or come late, connections that end in the middle. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import { backendError, now } from '../outcomes.ts'
import { memcached, Party } from './harness.ts'

test('a lost answer to the add: the hold is found and kept', async () => {
  const server = await memcached()
  const [party, other] = [await Party.at(server), await Party.at(server)]
  await (await party.lock('b').acquire()).release()
  party.proxy.loseReplies()
  const taking = party.lock('a').acquire()
  await poll('it is stored', async () => (await server.keys()).length > 0)
  await party.proxy.resume()
  const lease = await taking
  expect(await other.lock('a').tryAcquire()).toBeNull()
  expect((await other.lock('a').inspect()).holders).toMatchObject([{ fencingToken: lease.fencingToken }])
  expect(await lease.release()).toBe(true)
})

test('an acquire that was given up while the server hung takes nothing when that goes on', async () => {
  const server = await memcached()
  const [late, other] = [await Party.at(server), await Party.at(server)]
  await (await late.lock('b').acquire()).release()
  server.pause()
  const started = now()
  await expect(late.lock('a').tryAcquire({ requestTimeout: 300 })).rejects.toMatchObject(backendError(/no answer/))
  expect(now() - started).toBeLessThan(1_000)
  await expect(late.lock('a', { requestTimeout: 300 }).locked()).rejects.toMatchObject({ code: 'LOCK_BACKEND' })
  server.resume()
  await poll('it is free', async () => !(await other.lock('a').locked()))
  await sleep(300)
  const lease = await other.lock('a').acquire()
  await lease.renew()
  expect(await lease.release()).toBe(true)
})

test('an add that was given up, and is still on its way when somebody else has come and gone, takes nothing', async () => {
  const server = await memcached()
  const [late, other] = [await Party.at(server), await Party.at(server)]
  await (await late.lock('b').acquire()).release()
  late.proxy.delay(1_000, 1_000)
  const given = late.lock('a', { requestTimeout: 200, ttl: 60_000 }).tryAcquire()
  given.catch(() => undefined)
  const lease = await other.lock('a').acquire()
  const before = await server.stat('cmd_set')
  await late.proxy.resume()
  await expect(given).rejects.toMatchObject(backendError(/no answer/))
  await poll('it is taken back', async () => (await server.stat('cmd_set')) > before)
  expect(await lease.release()).toBe(true)
  const sent = await server.stat('cmd_set')
  await poll('it arrives', async () => (await server.stat('cmd_set')) > sent)
  expect(await other.lock('a').locked()).toBe(false)
})

test.each(['cut', 'reset', 'halfOpen'] as const)(
  'a connection that ends in the middle of a request (%s) is no hang',
  async (how) => {
    const server = await memcached()
    const party = await Party.at(server, { requestTimeout: 500 })
    const lease = await party.lock('a').acquire()
    party.proxy.delay(100, 100)
    const renewing = lease.renew().catch(() => undefined)
    await sleep(30)
    party.proxy[how]()
    await renewing
    await party.proxy.resume()
    await lease.renew()
    expect(await lease.release()).toBe(true)
    expect(await server.keys()).toEqual([])
  },
)

test('answers that come after their time are not taken for others', async () => {
  const server = await memcached()
  const party = await Party.at(server)
  const [one, two] = [party.lock('one', { requestTimeout: 200 }), party.lock('two')]
  const lease = await two.acquire()
  party.proxy.delay(300, 300, { replies: true })
  await expect(one.tryAcquire()).rejects.toMatchObject({ code: 'LOCK_BACKEND' })
  await party.proxy.resume()
  await poll('it answers', () => two.locked())
  expect((await two.inspect()).holders).toMatchObject([{ owner: lease.owner }])
  expect(await lease.release()).toBe(true)
})

test('nothing is left behind: a thousand locks, and a thousand attempts in vain', async () => {
  const server = await memcached()
  const [party, other] = [await Party.at(server), await Party.at(server)]
  for (let at = 0; at < 1_000; at += 50)
    await Promise.all(Array.from({ length: 50 }, (_, one) => party.lock(`${at + one}`).using(() => undefined)))
  const lease = await party.lock('a').acquire()
  for (let at = 0; at < 1_000; at += 50)
    await Promise.all(Array.from({ length: 50 }, () => other.lock('a').tryAcquire()))
  await lease.release()
  expect(await server.keys()).toEqual([])
})
