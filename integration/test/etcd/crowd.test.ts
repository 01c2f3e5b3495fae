/** Many waiters on one lock, in several processes. */
import { Semaphore } from '@locks/core'
import { expect, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import { etcd, Party, process } from './harness.ts'

interface Turn {
  readonly turn: string
  readonly at: number
}

/** Has `count` waiters take turns, from 8 processes, and counts what that took. */
async function takeTurns(count: number): Promise<{ readonly turns: readonly Turn[]; readonly requests: number }> {
  const server = await etcd()
  const party = new Party([server])
  const lease = await party.lock('a').acquire()
  const processes = Array.from({ length: 8 }, () => process([server]))
  await Promise.all(
    processes.map((one) => one.call('crowd', 'a', count / 8, { timeout: 120_000, requestTimeout: 20_000 })),
  )
  await poll(
    'all wait',
    async () => (await party.lock('a', { requestTimeout: 20_000 }).inspect()).waiters === count,
    60_000,
  )
  const before = await server.metric('grpc_server_started_total')
  await lease.release()
  await poll('all had their turn', () => processes.every(({ told }) => told.length > count / 8), 90_000)
  const requests = (await server.metric('grpc_server_started_total')) - before
  const turns = processes.flatMap(({ told }) => told.filter((one) => typeof one === 'object')) as unknown as Turn[]
  expect(turns).toHaveLength(count)
  return { turns, requests }
}

test('1,000 waiters of 8 processes are served in the order of arrival, and a hand-over costs as much as among 40', {
  timeout: 240_000,
}, async () => {
  const few = await takeTurns(40)
  const many = await takeTurns(1_000)
  for (const { turns } of [few, many]) {
    // Tokens are made of the revisions in which the waiters came: by time, they rise.
    const byTime = [...turns].sort((a, b) => a.at - b.at).map(({ turn }) => BigInt(turn))
    expect(byTime).toEqual([...byTime].sort((a, b) => (a < b ? -1 : 1)))
  }
  const [each, ofMany] = [few.requests / 40, many.requests / 1_000]
  console.log(`requests for each hand-over: ${each.toFixed(2)} among 40, ${ofMany.toFixed(2)} among 1,000`)
  // A look and a release; the rest is looks from time to time and signs of life.
  expect(each).toBeLessThan(2.5)
  expect(ofMany).toBeLessThan(each + 0.5)
})

test('of many who try for a permit at once, all get one as long as there are any', async () => {
  const server = await etcd()
  const parties = [new Party([server]), new Party([server]), new Party([server])]
  const tries = parties.flatMap(({ backend }) =>
    Array.from({ length: 20 }, () => new Semaphore('a', 50, { backend }).tryAcquire()),
  )
  const leases = await Promise.all(tries)
  expect(leases.filter((lease) => lease !== null)).toHaveLength(50)
  await Promise.all(leases.map((lease) => lease?.release()))
})
