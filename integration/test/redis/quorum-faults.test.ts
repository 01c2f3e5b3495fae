/** A majority fails, servers forget or are slow: what remains is an outage at worst. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Lease, Lock } from '@locks/core'
import { describe, expect, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import type { RedisServer } from '../../servers/redis-binary.ts'
import { backendError, now } from './harness.ts'
import { bestOf, holdsAt, PROMPT, QuorumParty, servers } from './quorum-harness.ts'

describe('a majority of the servers', () => {
  test.each(['kill', 'pause'] as const)(
    'that does not answer (%s) is an outage, in time, that leaves nothing behind',
    async (how) => {
      const nodes = await servers(3)
      const party = await QuorumParty.at(nodes)
      await bestOf(party, 'a')
      const [one, two] = nodes
      await one?.[how]()
      await two?.[how]()
      const started = now()
      const options = { requestTimeout: 1_500, ttl: 60_000 }
      await expect(party.lock('a', options).tryAcquire()).rejects.toMatchObject(
        backendError('too few for a majority|no answer'),
      )
      await expect(party.lock('a', options).locked()).rejects.toMatchObject({ code: 'LOCK_BACKEND' })
      expect(now() - started).toBeLessThan(2 * 1_500 + 500)
      if (how === 'pause') for (const node of nodes) node.resume()
      const alive = how === 'pause' ? nodes : nodes.slice(2)
      await poll('nothing is left', async () => (await holdsAt(alive, 'a')).length === 0)
    },
  )
})

test('four servers split evenly: no contender hangs, at most one gets it, and both do later', async () => {
  const nodes = await servers(4)
  const [left, right] = [await QuorumParty.at(nodes), await QuorumParty.at(nodes)]
  await bestOf(left, 'a')
  await bestOf(right, 'a')
  // Each reaches two at once, and the other two when they are taken.
  for (const proxy of left.proxies.slice(2)) proxy.delay(100, 100)
  for (const proxy of right.proxies.slice(0, 2)) proxy.delay(100, 100)
  const started = now()
  const outcomes = await Promise.all([left.lock('a').tryAcquire(), right.lock('a').tryAcquire()])
  // Who looks at the others' servers after they were given up there has it.
  expect(outcomes.filter((lease) => lease !== null).length, 'held at once').toBeLessThan(2)
  expect(now() - started).toBeLessThan(PROMPT)
  for (const lease of outcomes) await lease?.release()
  const leases = await Promise.all([left, right].map((party) => party.lock('a').using((lease) => lease.fencingToken)))
  expect(new Set(leases).size).toBe(2)
})

test('who restarts without its data votes again after the longest ttl, and not before', async () => {
  const nodes = await servers(3)
  const [first, second] = nodes as [RedisServer, RedisServer]
  const ttl = 3_000
  const [party, other] = [await QuorumParty.at(nodes), await QuorumParty.at(nodes)]
  for (const one of [party, other]) await (await one.lock('a', { ttl }).acquire()).release()
  // Held at the first two only.
  party.proxies[2]?.dropBoth()
  const lease = await party.lock('a', { ttl, autoRenew: false }).acquire()
  await second.restart({ data: 'lost' })
  const forgot = now()
  // The second and the third would grant it.
  const attempt = async (): Promise<Lease | false> =>
    (await other.lock('a', { ttl }).tryAcquire({ timeout: 200 })) ?? false
  const next = await poll('it is had again', attempt)
  expect(lease.held).toBe(false)
  await next.release()
  await poll('it votes again', async () => {
    // Only who is asked for locks looks after the others.
    await (await other.lock('a', { ttl }).acquire()).release()
    return (await second.command('HGET', 'locks:{node}', 'votes')) === '1'
  })
  expect(now() - forgot).toBeGreaterThan(ttl)
  // Without the first, both of them have to vote.
  await first.kill()
  const again = await poll('it is had from the others', attempt)
  expect(again.fencingToken).toBeGreaterThan(next.fencingToken)
  await again.release()
})

test('tokens rise though each time another majority grants', async () => {
  const nodes = await servers(3)
  const party = await QuorumParty.at(nodes)
  await bestOf(party, 'a')
  let last = 0n
  for (let turn = 0; turn < 12; turn += 1) {
    const away = party.proxies[turn % 3]
    away?.refuse()
    away?.reset()
    const lease = await party.lock('a').acquire()
    expect(lease.fencingToken).toBeGreaterThan(last)
    last = lease.fencingToken
    await lease.release()
    await away?.resume()
  }
})

test('an attachment that no majority heard of may be tried again', async () => {
  const nodes = await servers(3)
  const [party, other] = [await QuorumParty.at(nodes), await QuorumParty.at(nodes)]
  for (const one of [party, other]) await bestOf(one, 'first')
  const lease = await party.lock('a').acquire()
  const json = await lease.detach()
  const away = other.proxies.slice(1)
  for (const proxy of away) {
    proxy.refuse()
    proxy.reset()
  }
  const attach = (): Promise<Lease> => Lock.attach(json, { backend: other.backend })
  await expect(attach()).rejects.toMatchObject({ code: 'LOCK_BACKEND' })
  await Promise.all(away.map((proxy) => proxy.resume()))
  // For longer than anything is repeated after.
  await sleep(1_500)
  expect((await holdsAt(nodes, 'a')).length).toBe(3)
  const taken = await attach()
  expect(taken.fencingToken).toBe(lease.fencingToken)
  expect(await taken.release()).toBe(true)
})

test('who closes right after a release leaves nothing at a server that is slow', async () => {
  const nodes = await servers(3)
  const party = await QuorumParty.at(nodes)
  await bestOf(party, 'first')
  party.proxies[2]?.delay(100, 100)
  const lease = await party.lock('a').acquire()
  await lease.release()
  await party.backend.close()
  await sleep(500)
  expect(await holdsAt(nodes, 'a')).toEqual([])
})

test('who closes while an acquire is under way leaves nothing', async () => {
  const nodes = await servers(3)
  const party = await QuorumParty.at(nodes)
  await bestOf(party, 'first')
  for (const proxy of party.proxies) proxy.delay(50, 50)
  const acquiring = party.lock('a').acquire()
  await sleep(20)
  const closed = party.backend.close()
  await expect(acquiring).rejects.toMatchObject(backendError('closed'))
  await closed
  expect(await holdsAt(nodes, 'a')).toEqual([])
})

test.each([
  ['', 0],
  [', even if the others always answer sooner', 20],
])('who restarts without its data is let in again by a process that began with it%s', async (_, delay) => {
  const nodes = await servers(3)
  const party = await QuorumParty.at(nodes)
  const use = async (): Promise<void> => void (await (await party.lock('a', { ttl: 1_000 }).acquire()).release())
  await use()
  for (const at of [2, 1]) {
    await nodes[at]?.restart({ data: 'lost' })
    party.proxies[at]?.delay(delay, delay)
    await poll(
      'it votes again',
      async () => {
        await use()
        return (await nodes[at]?.command('HGET', 'locks:{node}', 'votes')) === '1'
      },
      5_000,
    )
    await party.proxies[at]?.resume()
  }
})
