/** A server that has too much to do, and says when to come again (429, Retry-After). */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { KubeAnswer } from '../../servers/kube-api.ts'
import { poll } from '../../servers/poll.ts'
import { kubeForAll, leasesPath, namespaceOn, now, Party } from './harness.ts'

// One change at a time; what is over is refused at once. Only admins are exempt.
const kube = kubeForAll({
  args: ['--feature-gates=APIPriorityAndFairness=false', '--max-mutating-requests-inflight=1'],
})

/** Changes that the server refused as too many. */
async function dropped(): Promise<number> {
  const { body } = await kube().ask('GET', '/metrics')
  const [, count] = /^apiserver_dropped_requests_total\{.*mutating.*\} (\S+)$/m.exec(`${body}`) ?? []
  return Number(count)
}

test('locks come again when they are told to', { timeout: 60_000 }, async () => {
  const namespace = await namespaceOn(kube())
  const rule = {
    apiGroups: ['coordination.k8s.io'],
    resources: ['leases'],
    verbs: ['get', 'create', 'update', 'watch'],
  }
  const token = await kube().user('one', [rule], namespace)
  const party = await Party.at(kube(), namespace, { token }, { ttl: 30_000, timeout: 30_000, requestTimeout: 8_000 })
  const lease = await party.lock('a').acquire()
  await (await party.lock('b').acquire()).release()

  const create = (name: string): Promise<KubeAnswer> =>
    kube().ask('POST', leasesPath(namespace), { metadata: { name }, spec: {} }, token)
  kube().etcd.pause()
  // One of them hangs, and all others are refused until it is through.
  const creating = Promise.all(['first', 'second'].map(create))
  await poll('the others are refused', async () => (await dropped()) > 0)
  const [before, started] = [await dropped(), now()]
  const works = Promise.all([lease.renew(), party.lock('b').acquire()])
  await sleep(1_500)
  kube().etcd.resume()
  const [, other] = await works
  // Retry-After is a second.
  expect(now() - started).toBeGreaterThan(1_000)
  expect((await creating).map(({ status }) => status).sort()).toEqual([201, 429])
  for (const one of [lease, other]) {
    one.assertHeld()
    expect(await one.release()).toBe(true)
  }
  expect(await dropped()).toBeGreaterThanOrEqual(before + 2)
})
