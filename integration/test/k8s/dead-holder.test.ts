/** How the lock of a holder that died is had by somebody who was not there at the time; and clocks that are wrong. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Lease } from '@locks/core'
import { expect, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import { kubeForAll, leasesIn, leasesPath, lossOf, namespaceOn, Party, process } from './harness.ts'

const HOUR = 3_600_000

const kube = kubeForAll()

/** A hold that nobody renews. */
async function dies(party: Party, name: string): Promise<Lease> {
  const lease = await party.lock(name, { ttl: 1_000, autoRenew: false }).acquire()
  party.proxy.dropBoth()
  return lease
}

/** How long ago it was last written, at least, by the clock that it shares with the server. */
async function silentFor(namespace: string, milliseconds: number): Promise<void> {
  const [lease] = await leasesIn(kube(), namespace)
  const written = Date.parse(`${lease?.spec?.renewTime}`)
  await poll('it is silent', () => Date.now() - written > milliseconds)
}

test('one single attempt of somebody new takes over from a holder that died some time ago', async () => {
  const namespace = await namespaceOn(kube())
  const dead = await dies(await Party.at(kube(), namespace), 'a')
  const soon = await Party.at(kube(), namespace)
  expect(await soon.lock('a').tryAcquire()).toBeNull()
  // The ttl, and the grain of stamp and date.
  await silentFor(namespace, 1_000 + 2_100)
  const lease = await (await Party.at(kube(), namespace)).lock('a').tryAcquire()
  expect(lease?.fencingToken).toBeGreaterThan(dead.fencingToken)
  await lease?.release()
})

test('the skew that clocks of servers may have is waited for', async () => {
  const namespace = await namespaceOn(kube())
  await dies(await Party.at(kube(), namespace), 'a')
  await silentFor(namespace, 1_000 + 2_100)
  const cautious = await Party.at(kube(), namespace, { serverClockSkew: 3_000 })
  expect(await cautious.lock('a').tryAcquire()).toBeNull()
  await silentFor(namespace, 1_000 + 2_100 + 3_000)
  const lease = await (await Party.at(kube(), namespace, { serverClockSkew: 3_000 })).lock('a').tryAcquire()
  expect(lease).not.toBeNull()
  await lease?.release()
})

test('without stamps the same attempt fails, and who looks again after the ttl has it', async () => {
  const namespace = await namespaceOn(kube())
  await dies(await Party.at(kube(), namespace), 'a')
  await silentFor(namespace, 1_000 + 2_100)
  const party = await Party.at(kube(), namespace, { serverClockSkew: Number.POSITIVE_INFINITY })
  expect(await party.lock('a').tryAcquire()).toBeNull()
  await sleep(1_100)
  const lease = await party.lock('a').tryAcquire()
  expect(lease).not.toBeNull()
  await lease?.release()
})

test('a waiter that died with the holder is in nobody’s way', { timeout: 60_000 }, async () => {
  const namespace = await namespaceOn(kube())
  const [holder, waiter] = [await Party.at(kube(), namespace), await Party.at(kube(), namespace)]
  const lease = await holder.lock('a', { ttl: 1_000 }).acquire()
  waiter
    .lock('a', { ttl: 1_000, timeout: 60_000 })
    .acquire()
    .catch(() => undefined)
  await poll('it waits', async () => (await holder.lock('a').inspect()).waiters === 1)
  for (const { proxy } of [holder, waiter]) proxy.dropBoth()
  // A waiter is believed for nine seconds.
  await silentFor(namespace, 9_000 + 2_100)
  const next = await (await Party.at(kube(), namespace)).lock('a').tryAcquire()
  expect(next?.fencingToken).toBeGreaterThan(lease.fencingToken)
  await next?.release()
})

test('who renews is never taken over from, though waiters write beside it', { timeout: 30_000 }, async () => {
  const namespace = await namespaceOn(kube())
  const [holder, waiter] = [await Party.at(kube(), namespace), await Party.at(kube(), namespace)]
  const lease = await holder.lock('a', { ttl: 1_500 }).acquire()
  const loss = lossOf(lease)
  const abort = new AbortController()
  const waiting = waiter
    .lock('a', { ttl: 1_000, timeout: 20_000, signal: abort.signal })
    .acquire()
    .catch(() => null)
  const until = Date.now() + 8_000
  while (Date.now() < until) {
    expect(await (await Party.at(kube(), namespace)).lock('a').tryAcquire()).toBeNull()
    await sleep(500)
  }
  expect(loss.at).toBeUndefined()
  abort.abort()
  expect(await waiting).toBeNull()
  expect(await lease.release()).toBe(true)
})

test('who puts only a name into a Lease holds it for its time, though the stamps of ours are older', {
  timeout: 30_000,
}, async () => {
  const namespace = await namespaceOn(kube())
  const waiter = await Party.at(kube(), namespace)
  await (await waiter.lock('a').acquire()).release()
  const DURATION = 5
  await silentFor(namespace, DURATION * 1_000 + 2_100)
  const [lease] = await leasesIn(kube(), namespace)
  const path = leasesPath(namespace, lease?.metadata?.name)
  const spec = { ...lease?.spec, holderIdentity: 'by-hand', leaseDurationSeconds: DURATION }
  expect((await kube().ask('PUT', path, { ...lease, spec })).status).toBe(200)
  // Who waits writes it down, and thereby all of the Lease is ours again but for that name.
  const waiting = waiter.lock('a', { timeout: 20_000 }).acquire()
  await poll('it waits', async () => (await waiter.lock('a').inspect()).waiters === 1)
  const written = Date.now()
  expect(await (await Party.at(kube(), namespace)).lock('a').tryAcquire()).toBeNull()
  const next = await waiting
  expect(Date.now() - written).toBeGreaterThan(DURATION * 1_000 - 1_000)
  expect(await next.release()).toBe(true)
})

test.each([-HOUR, HOUR])(
  'a client whose clock is wrong by %d ms excludes, is excluded, and takes over in time',
  {
    timeout: 60_000,
  },
  async (step) => {
    const namespace = await namespaceOn(kube())
    const [right, wrong] = [await Party.at(kube(), namespace), process(kube(), namespace, step)]
    expect(Math.abs(((await wrong.call('wallClock')) as number) - Date.now() - step)).toBeLessThan(5_000)

    // It finds a live holder, whatever its clock says of that one's times.
    const lease = await right.lock('a', { ttl: 2_000 }).acquire()
    for (let look = 0; look < 3; look += 1) {
      expect(await wrong.call('tryAcquire', 'a', {})).toBeNull()
      await sleep(800)
    }
    lease.assertHeld()
    await lease.release()

    // It is found to be alive, and renews.
    const token = await wrong.call('tryAcquire', 'a', { ttl: 2_000 })
    expect(token).not.toBeNull()
    for (let look = 0; look < 6; look += 1) {
      expect(await right.lock('a').tryAcquire()).toBeNull()
      await sleep(500)
    }
    expect(await wrong.call('held')).toBe(true)
    expect(await wrong.call('release')).toBe(true)

    // It takes over from a dead one at first sight.
    const dead = await dies(await Party.at(kube(), namespace), 'b')
    await sleep(1_000 + 2_100)
    const next = await process(kube(), namespace, step).call('tryAcquire', 'b', {})
    expect(BigInt(next as string)).toBeGreaterThan(dead.fencingToken)
  },
)

test('contenders whose clocks differ by two hours never hold at once', { timeout: 60_000 }, async () => {
  const namespace = await namespaceOn(kube())
  const all = [-HOUR, 0, HOUR].map((step) => process(kube(), namespace, step))
  await Promise.all(all.map((one) => one.call('turns', 'a', 15, { ttl: 1_000, timeout: 50_000, fair: 'strict' })))
  const turns = all.flatMap(({ told }) => told as readonly Turn[]).sort((a, b) => a.entered - b.entered)
  expect(turns).toHaveLength(45)
  for (const [index, turn] of turns.entries()) {
    const before = turns[index - 1]
    if (before === undefined) continue
    expect(turn.entered).toBeGreaterThanOrEqual(before.left)
    expect(BigInt(turn.turn)).toBeGreaterThan(BigInt(before.turn))
  }
})

interface Turn {
  readonly turn: string
  readonly entered: number
  readonly left: number
}
