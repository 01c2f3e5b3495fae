/** A minority of the servers fails: nobody waits for it, and nothing is lost. */
import { describe, expect, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import type { RedisServer } from '../../servers/redis-binary.ts'
import { bestOf, holdsAt, PROMPT, QuorumParty, servers } from './quorum-harness.ts'

describe.each([
  [3, 1],
  [5, 2],
])('of %i servers, %i', (count, minority) => {
  const setUp = async (): Promise<{ nodes: RedisServer[]; few: RedisServer[]; party: QuorumParty }> => {
    const nodes = await servers(count)
    const party = await QuorumParty.at(nodes)
    await bestOf(party, 'first')
    return { nodes, few: nodes.slice(0, minority), party }
  }

  test('down: nobody waits for them', async () => {
    const { few, party } = await setUp()
    await Promise.all(few.map((node) => node.kill()))
    expect(await bestOf(party, 'a')).toBeLessThan(PROMPT)
  })

  test('down from the start: the others begin without them', async () => {
    const nodes = await servers(count)
    await Promise.all(nodes.slice(0, minority).map((node) => node.kill()))
    const party = await QuorumParty.at(nodes)
    expect(await bestOf(party, 'a')).toBeLessThan(PROMPT)
  })

  test('hung: nobody waits for them, and what was sent to them does no harm later', async () => {
    const { nodes, few, party } = await setUp()
    for (const node of few) node.pause()
    expect(await bestOf(party, 'a')).toBeLessThan(PROMPT)
    for (const node of few) node.resume()
    await poll('nothing is left', async () => (await holdsAt(nodes, 'a')).length === 0)
    expect(await bestOf(party, 'a')).toBeLessThan(PROMPT)
  })

  test('cut off from one client: it does not wait for them, and excludes who reaches others', async () => {
    const { nodes, party } = await setUp()
    const other = await QuorumParty.at(nodes)
    for (const proxy of party.proxies.slice(0, minority)) proxy.dropBoth()
    for (const proxy of other.proxies.slice(-minority)) proxy.dropBoth()
    const lease = await party.lock('a').acquire()
    expect(await other.lock('a').tryAcquire()).toBe(null)
    expect(await other.lock('a').locked()).toBe(true)
    await lease.release()
    expect(await bestOf(other, 'a')).toBeLessThan(PROMPT)
  })

  test('cut off from one client when it releases: what is left there is no hold', async () => {
    const { nodes, few, party } = await setUp()
    const other = await QuorumParty.at(nodes)
    const lease = await party.lock('a', { ttl: 60_000 }).acquire()
    await poll('all have it', async () => (await holdsAt(nodes, 'a')).length === count)
    for (const proxy of party.proxies.slice(0, minority)) proxy.dropBoth()
    expect(await lease.release()).toBe(true)
    expect((await holdsAt(few, 'a')).length).toBe(minority)
    expect(await other.lock('a').forceRelease()).toBe(false)
    expect(await holdsAt(few, 'a')).toEqual([])
  })

  test('losing their replies: nobody waits for them, and nothing is left there', async () => {
    const { nodes, party } = await setUp()
    for (const proxy of party.proxies.slice(0, minority)) proxy.loseReplies()
    const lease = await party.lock('a', { ttl: 60_000 }).acquire()
    await lease.release()
    expect(await bestOf(party, 'a')).toBeLessThan(PROMPT)
    await Promise.all(party.proxies.map((proxy) => proxy.resume()))
    await poll('nothing is left', async () => (await holdsAt(nodes, 'a')).length === 0)
  })

  test('restarted without their data: the lock is held, and its tokens rise', async () => {
    const { few, party, nodes } = await setUp()
    const other = await QuorumParty.at(nodes)
    const lease = await party.lock('a').acquire()
    await Promise.all(few.map((node) => node.restart({ data: 'lost' })))
    expect(await other.lock('a').tryAcquire()).toBe(null)
    expect(await other.lock('a').locked()).toBe(true)
    await lease.renew()
    expect(await lease.release()).toBe(true)
    const next = await other.lock('a').acquire()
    expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
    await next.release()
  })
})
