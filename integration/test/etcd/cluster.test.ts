/** Members of a cluster die, hang or are cut off while locks are taken, held, waited for and released. */
import { describe, expect, test } from 'vitest'
import { EtcdPeers } from '../../servers/etcd-peers.ts'
import { poll } from '../../servers/poll.ts'
import { backendError, clientOf, etcdCluster, lossOf, lost, now, Party, SECOND, staysHeld } from './harness.ts'

const LIMIT = 60_000

describe('when the leader is killed', () => {
  test('an acquire comes through, and the lock is held once', { timeout: LIMIT }, async () => {
    const { members, leader } = await etcdCluster()
    const [one, other] = [new Party(members), new Party(members)]
    await one.lock('warm').using(() => undefined)
    await other.lock('warm').using(() => undefined)
    await (await leader()).kill()
    // The first of them finds no leader yet.
    const leases = await Promise.all(
      [one, other].map((party) => party.lock('a').tryAcquire({ timeout: 8_000, requestTimeout: 8_000 })),
    )
    expect(leases.filter((lease) => lease !== null)).toHaveLength(1)
    const [lease] = leases.filter((one) => one !== null)
    expect(lease?.held).toBe(true)
    expect(await lease?.release()).toBe(true)
  })

  test('a lease lives on, and is renewed at the next leader', { timeout: LIMIT }, async () => {
    const { members, leader } = await etcdCluster()
    const [one, other] = [new Party(members), new Party(members)]
    const lease = await one.lock('a', { ttl: 4 * SECOND }).acquire()
    await (await leader()).kill()
    await staysHeld(lease, 9_000)
    expect(await other.lock('a').tryAcquire()).toBeNull()
    expect(await lease.release()).toBe(true)
  })

  test('a waiter keeps its place, and gets the lock when it is released', { timeout: LIMIT }, async () => {
    const { members, leader } = await etcdCluster()
    const [holder, first, second] = [new Party(members), new Party(members), new Party(members)]
    const lease = await holder.lock('a').acquire()
    const order: string[] = []
    const wait = (party: Party, name: string) =>
      party.lock('a').using(() => void order.push(name), { timeout: 30_000, requestTimeout: 8_000 })
    const waiting = [wait(first, 'first')]
    await poll('the first waits', async () => (await holder.lock('a').inspect()).waiters === 1)
    waiting.push(wait(second, 'second'))
    await poll('both wait', async () => (await holder.lock('a').inspect()).waiters === 2)
    await (await leader()).kill()
    await leader()
    await poll('both wait', async () => (await holder.lock('a', { requestTimeout: 8_000 }).inspect()).waiters === 2)
    expect(await lease.release()).toBe(true)
    await Promise.all(waiting)
    expect(order).toEqual(['first', 'second'])
  })

  test('a release that was under way ends the hold, and does not answer that it was lost', {
    timeout: LIMIT,
  }, async () => {
    const { members, leader } = await etcdCluster()
    const [one, other] = [new Party(members), new Party(members)]
    const lease = await one.lock('a', { requestTimeout: 8_000 }).acquire()
    const old = await leader()
    old.pause()
    const releasing = lease.release()
    await old.kill()
    expect(await releasing).toBe(true)
    await other.lock('a', { requestTimeout: 8_000 }).using(() => undefined, { timeout: 8_000 })
  })
})

test('a member that is cut off, with a client on its side: the client loses its lease before another one gets it', {
  timeout: LIMIT,
}, async () => {
  const peers = new EtcdPeers()
  const { members, leader } = await etcdCluster({ peers })
  // The old leader is the worst case: it answers signs of life until it notices.
  const alone = await leader()
  const rest = members.filter((member) => member !== alone)
  const [here, there] = [new Party([alone]), new Party(rest)]
  const lease = await here.lock('a', { ttl: 3 * SECOND }).acquire()
  const loss = lossOf(lease)
  const waiting = there.lock('a', { requestTimeout: 8_000 }).acquire({ timeout: 40_000 })
  await poll('the other waits', async () => (await here.lock('a').inspect()).waiters === 1)
  peers.isolate(alone.peerPort)
  const next = await waiting
  const grantedAt = now()
  expect(loss.at, 'it is lost before').toBeLessThan(grantedAt)
  expect(lease.held).toBe(false)
  expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
  // Cut off is not contended.
  await expect(here.lock('b', { requestTimeout: 1_000 }).tryAcquire()).rejects.toMatchObject(backendError(/lock "b"/))
  await expect(here.lock('a', { requestTimeout: 1_000 }).locked()).rejects.toMatchObject({ code: 'LOCK_BACKEND' })
  peers.heal()
  await poll('it is back', () => here.lock('b').using(() => true), 20_000)
  expect(next.held).toBe(true)
  expect(await next.release()).toBe(true)
})

test('a follower that is cut off keeps nobody who knows the others from locking', { timeout: LIMIT }, async () => {
  const peers = new EtcdPeers()
  const { members, leader } = await etcdCluster({ peers })
  const leading = await leader()
  const alone = members.find((member) => member !== leading)
  expect(alone).toBeDefined()
  if (alone === undefined) return
  // It asks the one that will be cut off first.
  const party = new Party([alone, ...members.filter((member) => member !== alone)])
  const lease = await party.lock('a', { ttl: 3 * SECOND }).acquire()
  peers.isolate(alone.peerPort)
  await staysHeld(lease, 7_000)
  await party.lock('b').using(() => undefined)
  expect(await lease.release()).toBe(true)
})

test('all members restarted with their data: what was held is held, and who waited gets it', {
  timeout: LIMIT,
}, async () => {
  const { members } = await etcdCluster()
  const [one, other] = [new Party(members), new Party(members)]
  const lease = await one.lock('a', { ttl: 20 * SECOND }).acquire()
  const waiting = other
    .lock('a')
    .acquire({ timeout: 40_000 })
    .catch((error: unknown) => error)
  await poll('it waits', async () => (await one.lock('a').inspect()).waiters === 1)
  await Promise.all(members.map((member) => member.kill()))
  await Promise.all(members.map((member) => member.restart()))
  await poll('it is held still', async () => (await one.lock('a').inspect()).holders[0]?.owner === lease.owner)
  expect(lease.held).toBe(true)
  await lease.renew()
  expect(await other.lock('a').tryAcquire()).toBeNull()
  expect(await lease.release()).toBe(true)
  const got = await waiting
  // The outage may have ended the wait, but not silently.
  if (got instanceof Error) expect(got).toMatchObject({ code: 'LOCK_BACKEND' })
  else {
    const next = got as Awaited<ReturnType<ReturnType<Party['lock']>['acquire']>>
    expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
    await next.release()
  }
})

test('without a majority nothing reads as free or held, and what was held ends by the local clock', {
  timeout: LIMIT,
}, async () => {
  const { members } = await etcdCluster()
  const party = new Party(members, { requestTimeout: 1_500 })
  const lease = await party.lock('a', { ttl: 2 * SECOND }).acquire()
  const loss = lossOf(lease)
  await Promise.all(members.slice(1).map((member) => member.kill()))
  await expect(party.lock('b').tryAcquire()).rejects.toMatchObject(backendError(/lock "b" on etcd/))
  await expect(party.lock('a').locked()).rejects.toMatchObject({ code: 'LOCK_BACKEND' })
  await poll('it is lost', () => loss.at !== undefined)
  await expect(lease.renew()).rejects.toMatchObject(lost)
})

test('the key of a lock is the same at every member', { timeout: LIMIT }, async () => {
  const { members } = await etcdCluster()
  const party = new Party(members)
  const lease = await party.lock('a').acquire()
  for (const member of members) {
    const [key] = await clientOf(member).getAll().prefix('locks/').keys()
    expect(key).toContain('locks/:a/w')
  }
  await lease.release()
})
