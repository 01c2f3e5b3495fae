/** Replies that get lost, servers that hang, leases that end: with one server. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Lock } from '@locks/core'
import { expect, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import {
  backendError,
  backendOver,
  clientOf,
  etcd,
  hostOf,
  keysOn,
  leasesOn,
  lossOf,
  lost,
  now,
  Party,
  process,
  proxyTo,
  SECOND,
  unavailable,
} from './harness.ts'

test('a lost reply of the acquiring transaction: the repeat adopts what the first one got', async () => {
  const server = await etcd()
  const proxy = await proxyTo(server)
  const [one, other] = [new Party([proxy]), new Party([server])]
  await one.lock('warm').using(() => undefined)
  proxy.loseReplies()
  const asking = one.lock('a').tryAcquire()
  await poll('it has been carried out', async () => (await keysOn(clientOf(server))).length === 1)
  // Its connection is cut: the outcome is unknown, and asked for again.
  await proxy.resume()
  const lease = await asking
  expect(lease?.held).toBe(true)
  expect((await other.lock('a').inspect()).holders).toMatchObject([{ owner: lease?.owner }])
  expect(await lease?.release()).toBe(true)
  await other.lock('a').using(() => undefined)
})

test.each([
  { resting: 'on a session', autoRenew: true },
  { resting: 'on a lease of its own', autoRenew: false },
])(
  'a lost reply of a release of a lock $resting: the repeat finds nothing, and it was held until then',
  async ({ autoRenew }) => {
    const server = await etcd()
    const proxy = await proxyTo(server)
    const [party, client] = [new Party([proxy], { ttl: 20 * SECOND }), clientOf(server)]
    const lease = await party.lock('a', { autoRenew }).acquire()
    proxy.loseReplies()
    const releasing = lease.release()
    await poll('it has been carried out', async () => (await keysOn(client)).length === 0)
    // So late that the adapter itself asks again.
    await sleep(1_000)
    await proxy.resume()
    expect(await releasing).toBe(true)
  },
)

test('a lost reply of an acquire that is given up leaves nothing, and what arrives late does nothing', async () => {
  const server = await etcd()
  const proxy = await proxyTo(server)
  const [one, other] = [new Party([proxy], { requestTimeout: 300 }), new Party([server])]
  const client = clientOf(server)
  await one.lock('warm', { requestTimeout: 3_000 }).using(() => undefined)
  proxy.pause()
  await expect(one.lock('a').tryAcquire()).rejects.toMatchObject(backendError(/lock "a" on etcd /))
  await proxy.resume()
  await poll('it is free', async () => (await other.lock('a').tryAcquire())?.release())
  // The note that it was given up goes with the session that the request had named, at once.
  await poll('nothing is left', async () => (await keysOn(client)).length === 0)
  await other.lock('a').using(() => undefined)
})

test('an acquire that arrives after it was given up does nothing, though its session lives on for others', async () => {
  const server = await etcd()
  const proxy = await proxyTo(server)
  const [one, other, client] = [new Party([proxy]), new Party([server]), clientOf(server)]
  const kept = await one.lock('kept').acquire()
  proxy.delay(1_500, 1_500)
  await expect(one.lock('a', { requestTimeout: 200 }).tryAcquire()).rejects.toMatchObject({ code: 'LOCK_BACKEND' })
  // What was sent arrives late, and what takes it back overtakes it on another connection.
  proxy.cut()
  await proxy.resume()
  await poll('it is noted', async () => (await keysOn(client)).some((key) => key.includes('locks/:a/!')))
  await sleep(2_000)
  expect((await keysOn(client)).filter((key) => key.includes('locks/:a/w'))).toEqual([])
  await other.lock('a').using(() => undefined)
  expect(await kept.release()).toBe(true)
  await poll('the note goes with the session', async () => (await keysOn(client)).length === 0)
})

test('an acquire that could not be taken back ends with its time, though its session lives on for others', async () => {
  const server = await etcd()
  const [other, client] = [new Party([server]), clientOf(server)]
  let [losesAnswers, isCut] = [false, false]
  const backend = backendOver(client, async (send) => {
    if (isCut) throw unavailable()
    const answer = await send()
    if (losesAnswers) throw unavailable()
    return answer
  })
  const kept = await new Lock('kept', { backend, ttl: 3 * SECOND }).acquire()
  losesAnswers = true
  const token = {
    key: { namespace: '', name: 'a', id: ':a' },
    token: 'secret',
    mode: 'exclusive',
    timeout: 500,
  } as const
  const request = { ...token, owner: 'owner', permits: 1, ttl: 3 * SECOND, standalone: false, tokens: 1, metadata: '' }
  await expect(backend.acquire({ ...request, wait: null })).rejects.toThrow(/UNAVAILABLE/)
  isCut = true
  await expect(backend.cancel(token)).rejects.toThrow(/UNAVAILABLE/)
  isCut = false
  losesAnswers = false
  await kept.renew()
  await (await other.lock('a').acquire({ timeout: 10 * SECOND })).release()
  expect(kept.held).toBe(true)
})

test('a server that hangs ends calls in time, and leases by the local clock', async () => {
  const server = await etcd()
  const party = new Party([server], { requestTimeout: 500 })
  const lease = await party.lock('a', { ttl: 2 * SECOND }).acquire()
  const loss = lossOf(lease)
  server.pause()
  const stopped = now()
  await expect(party.lock('b').tryAcquire()).rejects.toMatchObject(backendError(/lock "b" on etcd /))
  expect(now() - stopped).toBeLessThan(1_500)
  await expect(party.lock('a').inspect()).rejects.toMatchObject({ code: 'LOCK_BACKEND' })
  await poll('the lease is lost', () => loss.at !== undefined)
  expect(lease.held).toBe(false)
  server.resume()
  await poll('it answers again', () => party.lock('b').using(() => true))
})

test('a lease that ended while its process was stopped is lost at once when it goes on', async () => {
  const server = await etcd()
  const other = new Party([server])
  const stopped = process([server])
  const token = BigInt(`${await stopped.call('acquire', 'a', { ttl: SECOND })}`)
  stopped.pause()
  const next = await other.lock('a').acquire({ timeout: 10_000 })
  expect(next.fencingToken).toBeGreaterThan(token)
  stopped.resume()
  expect(await stopped.call('held')).toBe(false)
  expect(await stopped.call('release')).toBe(false)
  expect(next.held).toBe(true)
  expect(await next.release()).toBe(true)
})

test('a session whose lease is revoked loses all its locks at once', async () => {
  const server = await etcd()
  const [party, client] = [new Party([server], { ttl: 30 * SECOND }), clientOf(server)]
  const leases = await Promise.all(['a', 'b', 'c', 'd'].map((name) => party.lock(name).acquire()))
  const losses = leases.map(lossOf)
  expect(await leasesOn(client)).toHaveLength(1)
  const [id = ''] = await leasesOn(client)
  await client.leaseClient.leaseRevoke({ ID: id })
  const first = leases[0]
  await expect(first?.renew()).rejects.toMatchObject(lost)
  await poll('all are lost', () => losses.every(({ at }) => at !== undefined), 1_000)
  // The next one has a session of its own.
  await party.lock('a').using((lease) => expect(lease.held).toBe(true))
})

test('a key that was removed under a live lease is a loss', async () => {
  const server = await etcd()
  const [party, client] = [new Party([server], { ttl: 3 * SECOND }), clientOf(server)]
  const lease = await party.lock('a').acquire()
  const loss = lossOf(lease)
  const [key = ''] = await keysOn(client)
  await client.delete().key(key).exec()
  await poll('it is noticed by the next renewal', () => loss.at !== undefined)
  expect(lease.held).toBe(false)
})

test('a waiter whose session died takes a place again, and gets the lock', async () => {
  const server = await etcd()
  const [holder, waiter] = [new Party([server]), new Party([server])]
  const client = clientOf(server)
  const lease = await holder.lock('a', { ttl: 30 * SECOND }).acquire()
  const before = new Set(await leasesOn(client))
  const waiting = waiter.lock('a').acquire({ timeout: 20_000 })
  await poll('it waits', async () => (await holder.lock('a').inspect()).waiters === 1)
  for (const ID of await leasesOn(client)) if (!before.has(ID)) await client.leaseClient.leaseRevoke({ ID })
  await poll('it waits again', async () => (await holder.lock('a').inspect()).waiters === 1)
  expect(await lease.release()).toBe(true)
  await (await waiting).release()
})

test('a waiter whose process died is skipped a few seconds later, whatever its ttl', async () => {
  const server = await etcd()
  const [holder, next] = [new Party([server]), new Party([server])]
  const dead = process([server])
  const lease = await holder.lock('a').acquire()
  dead.call('acquire', 'a', { ttl: 60 * SECOND, timeout: 60_000 }).catch(() => undefined)
  await poll('it waits', async () => (await holder.lock('a').inspect()).waiters === 1)
  const waiting = next.lock('a').acquire({ timeout: 30_000 })
  await poll('both wait', async () => (await holder.lock('a').inspect()).waiters === 2)
  await dead.kill()
  await lease.release()
  const released = now()
  await (await waiting).release()
  expect(now() - released).toBeLessThan(9_000)
})

test('a waiter whose process stood still is not given up by it: it takes a place again, and gets the lock', async () => {
  const server = await etcd()
  const holder = new Party([server])
  const stopped = process([server])
  const lease = await holder.lock('a').acquire()
  const waiting = stopped.call('acquire', 'a', { timeout: 40_000 })
  waiting.catch(() => undefined)
  await poll('it waits', async () => (await holder.lock('a').inspect()).waiters === 1)
  stopped.pause()
  await poll('its place is gone', async () => (await holder.lock('a').inspect()).waiters === 0)
  await sleep(3_000)
  stopped.resume()
  await poll('it waits again', async () => (await holder.lock('a').inspect()).waiters === 1)
  await lease.release()
  expect(BigInt(`${await waiting}`)).toBeGreaterThan(lease.fencingToken)
})

test('a waiter that asks a slow server is not given up while it asks', async () => {
  const server = await etcd()
  const patient = { ttl: 60 * SECOND, requestTimeout: 20_000 }
  const [holder, waiter] = [new Party([server], patient), new Party([server], patient)]
  const lease = await holder.lock('a').acquire()
  const waiting = waiter.lock('a').acquire({ timeout: 60_000 })
  waiting.catch(() => undefined)
  await poll('it waits', async () => (await holder.lock('a').inspect()).waiters === 1)
  server.pause()
  await sleep(9_500)
  server.resume()
  await lease.release()
  await (await waiting).release()
})

test('a server that grants longer leases only: a ttl below that is a RangeError, and one above is fine', async () => {
  const server = await etcd({ args: ['--heartbeat-interval', '200', '--election-timeout', '2000'] })
  const party = new Party([server])
  await expect(party.lock('a', { ttl: 1_500 }).acquire()).rejects.toThrow(RangeError)
  await expect(party.lock('a', { ttl: 1_500 }).tryAcquire()).rejects.toThrow(/leases of 3000 ms at least.*longer ttl/)
  await expect(party.lock('a', { ttl: 1_500, autoRenew: false }).tryAcquire()).rejects.toThrow(RangeError)
  await party.lock('a', { ttl: 2_500 }).using(() => undefined)
})

test('a fraction of a second is rounded up: nobody gets the lock before the ttl is over', async () => {
  const server = await etcd()
  const [one, other] = [new Party([server]), new Party([server])]
  const sent = now()
  await one.lock('a', { ttl: 1_700, autoRenew: false }).acquire()
  await other.lock('a').acquire({ timeout: 10_000 })
  expect(now() - sent).toBeGreaterThan(1_700)
})

test('a held lease has the time that the last acknowledged sign of life of its session gave it', async () => {
  const server = await etcd()
  const proxy = await proxyTo(server)
  const [party, other] = [new Party([proxy], { ttl: 6 * SECOND }), new Party([server])]
  const first = await party.lock('first').acquire()
  await sleep(1_500)
  // The session is older than this lease, whose time counts from the session's last sign of life.
  const lease = await party.lock('a').acquire()
  const loss = lossOf(lease)
  expect(lease.remaining).toBeGreaterThan(2_000)
  proxy.pause()
  const next = await other.lock('a').acquire({ timeout: 15_000 })
  const granted = now()
  expect(loss.at, 'it was lost before').toBeLessThan(granted)
  expect(first.held).toBe(false)
  await next.release()
})

test.each([
  { resting: 'a session', autoRenew: true },
  { resting: 'a lease of its own', autoRenew: false },
])('the time of $resting counts from the send of what armed it, however late the answer', async ({ autoRenew }) => {
  const server = await etcd()
  const proxy = await proxyTo(server)
  const party = new Party([proxy])
  await party.lock('warm', { ttl: 30 * SECOND }).using(() => undefined)
  proxy.delay(300, 300, { replies: true })
  const acquiring = now()
  const lease = await party.lock('a', { ttl: 8 * SECOND, autoRenew }).acquire()
  expect(lease.remaining).toBeLessThan(8 * SECOND - (now() - acquiring))
  await sleep(500)
  const renewing = now()
  await lease.renew()
  expect(lease.remaining).toBeLessThan(8 * SECOND - (now() - renewing))
  expect(lease.remaining).toBeGreaterThan(5 * SECOND)
})

test('a renewal that need not lengthen anything looks whether the key is there', async () => {
  const server = await etcd()
  const [party, client] = [new Party([server]), clientOf(server)]
  const lease = await party.lock('a', { ttl: 60 * SECOND }).acquire()
  await lease.renew(2 * SECOND)
  expect(lease.held).toBe(true)
  const [key = ''] = await keysOn(client)
  await client.delete().key(key).exec()
  await expect(lease.renew(2 * SECOND)).rejects.toMatchObject(lost)
  expect(lease.held).toBe(false)
})

test(`nothing listens there: ${hostOf({ host: '127.0.0.1', port: 1 })} is unavailable, in words`, async () => {
  const party = new Party([{ host: '127.0.0.1', port: 1 }])
  await expect(party.lock('a').tryAcquire()).rejects.toMatchObject(
    backendError(/lock "a" on etcd 127\.0\.0\.1:1.*ECONNREFUSED/),
  )
})
