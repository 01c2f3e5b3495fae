/** Servers that go, hang or are slow; requests that come late; answers that don't come. */
import { Lock } from '@locks/core'
import { k8sBackend } from '@locks/k8s'
import { expect, onTestFinished, test } from 'vitest'
import { startProxy } from '../../faults/proxy.ts'
import { poll } from '../../servers/poll.ts'
import {
  backendError,
  configThrough,
  kubeForAll,
  leasesIn,
  leasesPath,
  lossOf,
  lost,
  namespaceOn,
  now,
  Party,
} from './harness.ts'

const kube = kubeForAll()

test('a restarted server: the holder keeps its lock, and who waits gets it by the release', {
  timeout: 60_000,
}, async () => {
  const namespace = await namespaceOn(kube())
  const [holder, waiter] = [await Party.at(kube(), namespace), await Party.at(kube(), namespace)]
  const lease = await holder.lock('a', { ttl: 30_000 }).acquire()
  // The start of a server may take longer than a request may by default.
  const waiting = waiter.lock('a', { ttl: 30_000, timeout: 40_000, requestTimeout: 20_000 }).acquire()
  const has = async (): Promise<boolean> => (await holder.lock('a').inspect()).waiters === 1
  await poll('it waits', has)
  await kube().restart()
  lease.assertHeld()
  await lease.renew()
  expect(await lease.release()).toBe(true)
  const next = await waiting
  expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
  await next.release()
})

test('a hung server: no answer in time is an error, and what arrives later takes no lock', async () => {
  const namespace = await namespaceOn(kube())
  const [late, other] = [await Party.at(kube(), namespace), await Party.at(kube(), namespace)]
  await (await other.lock('a').acquire()).release()
  late.proxy.pause()
  const started = now()
  await expect(late.lock('a').tryAcquire({ requestTimeout: 500 })).rejects.toMatchObject(backendError(/no answer/))
  expect(now() - started).toBeLessThan(1_500)
  await expect(late.lock('a').locked()).rejects.toMatchObject({ code: 'LOCK_BACKEND' })
  const lease = await other.lock('a', { ttl: 30_000 }).acquire()
  await late.proxy.resume()
  await poll('it answers again', () => late.lock('a').locked())
  lease.assertHeld()
  await lease.renew()
  expect(await lease.release()).toBe(true)
})

test('a slow server, a second for a round trip: locks are taken, renewed and passed on', {
  timeout: 30_000,
}, async () => {
  const namespace = await namespaceOn(kube())
  const [first, second] = [await Party.at(kube(), namespace), await Party.at(kube(), namespace)]
  const options = { ttl: 9_000, timeout: 25_000 }
  await (await first.lock('a', options).acquire()).release()
  for (const { proxy } of [first, second]) proxy.delay(500, 500)
  const lease = await first.lock('a', options).acquire()
  expect(lease.remaining).toBeGreaterThan(5_000)
  const waiting = second.lock('a', options).acquire()
  await lease.renew()
  lease.assertHeld()
  expect(await lease.release()).toBe(true)
  const next = await waiting
  expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
  expect(await next.release()).toBe(true)
})

test('a lost answer to the taking write: the hold is found and kept, or nothing is left', {
  timeout: 30_000,
}, async () => {
  const namespace = await namespaceOn(kube())
  const [party, other] = [await Party.at(kube(), namespace), await Party.at(kube(), namespace)]
  await (await party.lock('a').acquire()).release()
  const transitions = async (): Promise<number> => (await leasesIn(kube(), namespace))[0]?.spec?.leaseTransitions ?? 0
  const before = await transitions()
  party.proxy.loseReplies()
  const taking = party.lock('a', { ttl: 20_000, requestTimeout: 700, timeout: 10_000 }).acquire()
  await poll('the write is carried out', async () => (await transitions()) > before)
  await party.proxy.resume()
  const lease = await taking
  expect(await other.lock('a').tryAcquire()).toBeNull()
  expect((await other.lock('a').inspect()).holders).toMatchObject([
    { owner: lease.owner, fencingToken: lease.fencingToken },
  ])
  expect(lease.remaining).toBeGreaterThan(10_000)
  expect(await lease.release()).toBe(true)

  party.proxy.loseReplies()
  const again = await transitions()
  const givenUp = party.lock('a', { ttl: 20_000, requestTimeout: 700 }).tryAcquire()
  await expect(givenUp).rejects.toMatchObject({ code: 'LOCK_BACKEND' })
  expect(await transitions()).toBeGreaterThanOrEqual(again)
  await party.proxy.resume()
  await poll('it is taken back', async () => !(await other.lock('a').locked()))
})

test('a Lease that somebody deletes: the holder learns it at its next renewal, and tokens go on rising', async () => {
  const namespace = await namespaceOn(kube())
  const [holder, other] = [await Party.at(kube(), namespace), await Party.at(kube(), namespace)]
  const lease = await holder.lock('a', { ttl: 3_000 }).acquire()
  const loss = lossOf(lease)
  const [{ metadata } = {}] = await leasesIn(kube(), namespace)
  expect((await kube().ask('DELETE', leasesPath(namespace, metadata?.name))).status).toBe(200)
  await poll('it is lost', () => loss.at !== undefined, 3_000)
  await expect(lease.renew()).rejects.toMatchObject(lost)
  const next = await other.lock('a').acquire()
  expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
  expect(await lease.release()).toBe(false)
  next.assertHeld()
  await next.renew()
  await next.release()
})

test('a node that is gone: its lease ends by its own clock before another one has it', async () => {
  const namespace = await namespaceOn(kube())
  const [gone, other] = [await Party.at(kube(), namespace), await Party.at(kube(), namespace)]
  const lease = await gone.lock('a', { ttl: 2_000 }).acquire()
  const loss = lossOf(lease)
  const waiting = other.lock('a', { ttl: 2_000, timeout: 20_000 }).acquire()
  await poll('it waits', async () => (await other.lock('a').inspect()).waiters === 1)
  gone.proxy.dropBoth()
  const cut = now()
  const next = await waiting
  expect(loss.at).toBeLessThan(now())
  expect(lease.held).toBe(false)
  expect(now() - cut).toBeLessThan(6_000)
  expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
  await next.release()
})

test('a watch that is cut is begun again, and tells of what happened meanwhile', { timeout: 30_000 }, async () => {
  const namespace = await namespaceOn(kube())
  const [holder, waiter] = [await Party.at(kube(), namespace), await Party.at(kube(), namespace)]
  for (let round = 0; round < 3; round += 1) {
    const lease = await holder.lock('a', { ttl: 60_000 }).acquire()
    const waiting = waiter.lock('a', { ttl: 60_000, timeout: 20_000 }).acquire()
    await poll('it waits', async () => (await holder.lock('a').inspect()).waiters === 1)
    waiter.proxy.cut()
    await lease.release()
    const released = now()
    await (await waiting).release()
    // The next look by itself would be after 40 s.
    expect(now() - released).toBeLessThan(5_000)
  }
})

test('a watch that is silent though it is open costs no turn, only time', { timeout: 60_000 }, async () => {
  const namespace = await namespaceOn(kube())
  const holder = await Party.at(kube(), namespace)
  // Only the watch goes through the proxy.
  const proxy = await startProxy(kube())
  onTestFinished(() => proxy.close())
  const kubeConfig = configThrough(kube().kubeConfig(), proxy)
  const direct = configThrough(kube().kubeConfig(), kube())
  kubeConfig.makeApiClient = (type) => direct.makeApiClient(type)
  const backend = k8sBackend({ kubeConfig, namespace })
  onTestFinished(() => backend.close())
  const lease = await holder.lock('a', { ttl: 6_000 }).acquire()
  const waiting = new Lock('a', { backend, ttl: 6_000, timeout: 40_000 }).acquire()
  await poll('it waits', async () => (await holder.lock('a').inspect()).waiters === 1)
  proxy.halfOpen()
  await lease.release()
  const next = await waiting
  expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
  await next.release()
})
