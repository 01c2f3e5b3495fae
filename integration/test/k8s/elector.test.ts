/** Beside a real elector of Go's client: kube-scheduler, on a Lease that both use. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { type Scheduler, type SchedulerOptions, startScheduler } from '../../servers/kube-scheduler.ts'
import { poll } from '../../servers/poll.ts'
import { holderIn, kubeForAll, leasesIn, lossOf, namespaceOn, now, Party } from './harness.ts'

const NAME = 'shared-lease'
const DURATION = 4
const kube = kubeForAll()

async function elector(namespace: string, options: Partial<SchedulerOptions> = {}): Promise<Scheduler> {
  const times = { leaseDuration: DURATION, renewDeadline: 3, retryPeriod: 1 }
  const scheduler = await startScheduler({ kube: kube(), leaseName: NAME, namespace, ...times, ...options })
  onTestFinished(() => scheduler.stop())
  return scheduler
}

const party = (namespace: string): Promise<Party> => Party.at(kube(), namespace, { leaseName: NAME })

test('its hold is respected while it renews, shown, and ended when it is gone', { timeout: 60_000 }, async () => {
  const namespace = await namespaceOn(kube())
  const scheduler = await elector(namespace)
  await poll('it leads', () => scheduler.leads)
  const [ours, other] = [await party(namespace), await party(namespace)]
  const [holder] = (await ours.lock('a').inspect()).holders
  expect(holder).toMatchObject({ mode: 'exclusive', metadata: await holderIn(kube(), namespace) })
  const waiting = ours.lock('a', { ttl: 5_000, timeout: 50_000 }).acquire()
  for (const until = now() + 1.5 * DURATION * 1_000; now() < until; await sleep(300))
    expect(await other.lock('a').tryAcquire()).toBeNull()
  expect(scheduler.runs).toBe(true)
  await scheduler.kill()
  const killed = now()
  const lease = await waiting
  // It had renewed a second before, at most.
  expect(now() - killed).toBeGreaterThan((DURATION - 2) * 1_000)
  expect(now() - killed).toBeLessThan(DURATION * 1_000 + 4_000)
  expect(await holderIn(kube(), namespace)).toContain(lease.owner)
  expect(await lease.release()).toBe(true)
})

test('it respects our hold while we renew, and leads after our release', { timeout: 60_000 }, async () => {
  const namespace = await namespaceOn(kube())
  const ours = await party(namespace)
  const lease = await ours.lock('a', { ttl: DURATION * 1_000 }).acquire()
  const loss = lossOf(lease)
  const scheduler = await elector(namespace)
  await sleep(2.5 * DURATION * 1_000)
  expect(scheduler.leads).toBe(false)
  expect(loss.at).toBeUndefined()
  const [before] = await leasesIn(kube(), namespace)
  expect(await lease.release()).toBe(true)
  await poll('it leads', () => scheduler.leads)
  const [after] = await leasesIn(kube(), namespace)
  expect(after?.spec?.leaseTransitions).toBe((before?.spec?.leaseTransitions ?? 0) + 1)
  expect(await ours.lock('a').tryAcquire()).toBeNull()
})

test('it takes over from one of ours that died, when the Lease’s time is over', { timeout: 60_000 }, async () => {
  const namespace = await namespaceOn(kube())
  const ours = await party(namespace)
  const lease = await ours.lock('a', { ttl: DURATION * 1_000 }).acquire()
  const scheduler = await elector(namespace)
  const loss = lossOf(lease)
  ours.proxy.dropBoth()
  await poll('it leads', () => scheduler.leads, 20_000)
  expect(lease.held).toBe(false)
  expect(loss.at).toBeLessThan(now())
})

test('our tokens rise from hold to hold, whoever led in between', { timeout: 60_000 }, async () => {
  const namespace = await namespaceOn(kube())
  const ours = await party(namespace)
  const first = await ours.lock('a', { ttl: 2_000 }).acquire()
  await first.release()
  const scheduler = await elector(namespace)
  await poll('it leads', () => scheduler.leads)
  await scheduler.kill()
  const second = await (await party(namespace)).lock('a', { ttl: 2_000, timeout: 20_000 }).acquire()
  expect(second.fencingToken).toBeGreaterThan(first.fencingToken)
  await second.release()
})

test('forceRelease ends its hold', async () => {
  const namespace = await namespaceOn(kube())
  const scheduler = await elector(namespace)
  await poll('it leads', () => scheduler.leads)
  scheduler.pause()
  const ours = await party(namespace)
  expect(await ours.lock('a').forceRelease()).toBe(true)
  const lease = await ours.lock('a').tryAcquire()
  expect(lease).not.toBeNull()
  scheduler.resume()
  await poll('it has noticed', () => !scheduler.runs)
  await lease?.release()
})
