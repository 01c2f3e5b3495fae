/** What locks cost the API server. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import { kubeForAll, namespaceOn, now, Party, requestsDuring } from './harness.ts'

const kube = kubeForAll()

test('acquire and release take two requests, after the first of a process', async () => {
  const namespace = await namespaceOn(kube())
  const lock = (await Party.at(kube(), namespace)).lock('a')
  const first = await requestsDuring(kube(), async () => (await lock.acquire()).release())
  expect(first.by).toMatchObject({ POST: 1, PUT: 2 })
  const { all, by } = await requestsDuring(kube(), async () => {
    for (let turn = 0; turn < 20; turn += 1) await (await lock.acquire()).release()
  })
  expect(by.PUT).toBe(40)
  expect(all).toBe(40)
  const other = (await Party.at(kube(), namespace)).lock('a')
  expect((await requestsDuring(kube(), async () => (await other.acquire()).release())).all).toBe(3)
})

test('an idle waiter costs at most one request in a third of its ttl', { timeout: 60_000 }, async () => {
  const namespace = await namespaceOn(kube())
  const [holder, waiter] = [await Party.at(kube(), namespace), await Party.at(kube(), namespace)]
  const ttl = 9_000
  const lease = await holder.lock('a', { ttl: 600_000 }).acquire()
  const waiting = waiter.lock('a', { ttl, timeout: 60_000 }).acquire()
  await poll('it waits', async () => (await holder.lock('a').inspect()).waiters === 1)
  const spans = 6
  const { all } = await requestsDuring(kube(), () => sleep((spans * ttl) / 3))
  expect(all).toBeGreaterThan(0)
  expect(all).toBeLessThanOrEqual(spans)
  await lease.release()
  await (await waiting).release()
})

test('of 32 contenders that come at once each has its turn, alone, for few requests', {
  timeout: 120_000,
}, async () => {
  const namespace = await namespaceOn(kube())
  const parties = await Promise.all(Array.from({ length: 32 }, () => Party.at(kube(), namespace)))
  const turns = 3
  let inside = 0
  const tokens: bigint[] = []
  const work = async (party: Party): Promise<void> => {
    for (let turn = 0; turn < turns; turn += 1)
      await party.lock('a', { ttl: 30_000, timeout: 100_000 }).using(async (lease) => {
        inside += 1
        expect(inside, 'held at once').toBe(1)
        await sleep(1)
        lease.assertHeld()
        tokens.push(lease.fencingToken)
        inside -= 1
      })
  }
  const started = now()
  const { all, by } = await requestsDuring(kube(), () => Promise.all(parties.map(work)))
  const each = all / tokens.length
  console.log(
    `32 contenders: ${tokens.length} turns in ${Math.round(now() - started)} ms, ${each.toFixed(1)} requests each (${JSON.stringify(by)})`,
  )
  expect(tokens).toHaveLength(32 * turns)
  expect([...tokens].sort((a, b) => Number(a - b))).toEqual(tokens)
  expect(each).toBeLessThan(20)
})

test('a hand-over among 32 that wait takes few requests', { timeout: 120_000 }, async () => {
  const namespace = await namespaceOn(kube())
  const parties = await Promise.all(Array.from({ length: 32 }, () => Party.at(kube(), namespace)))
  const holder = await Party.at(kube(), namespace)
  const lease = await holder.lock('a', { ttl: 60_000 }).acquire()
  const waits = parties.map((party) => party.lock('a', { ttl: 60_000, timeout: 100_000 }).acquire())
  await poll('all wait', async () => (await holder.lock('a').inspect()).waiters === 32, 60_000)
  const { all } = await requestsDuring(kube(), async () => {
    await lease.release()
    for (const next of waits.map(async (wait) => (await wait).release())) await next
  })
  console.log(`${(all / 33).toFixed(2)} requests a hand-over among 32 that wait`)
  expect(all / 33).toBeLessThan(4)
})
