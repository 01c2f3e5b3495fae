import { request } from 'node:https'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { isAlive } from '../../faults/script-process.ts'
import { type KubeServer, startKube } from '../../servers/kube.ts'
import { type Scheduler, startScheduler } from '../../servers/kube-scheduler.ts'
import { poll } from '../../servers/poll.ts'
import { listens } from '../faults/harness.ts'

const group = 'coordination.k8s.io'
const leases = (namespace: string): string => `/apis/${group}/v1/namespaces/${namespace}/leases`

let kube: KubeServer
beforeAll(async () => {
  kube = await startKube()
}, 90_000)
afterAll(() => kube.stop())

interface LeaseSpec {
  readonly holderIdentity: string
  readonly acquireTime: string
  readonly renewTime: string
  readonly leaseTransitions: number
}

async function leaseOf(namespace: string, name: string): Promise<LeaseSpec> {
  const { body } = await kube.ask('GET', `${leases(namespace)}/${name}`)
  return (body as { readonly spec: LeaseSpec }).spec
}

test('the server tells its version, and its certificate holds for 127.0.0.1 and for who trusts it only', async () => {
  expect(kube.version).toMatch(/^1\.\d+\.\d+$/)
  expect(kube.url).toBe(`https://127.0.0.1:${kube.port}`)
  const { promise, resolve } = Promise.withResolvers<Error>()
  request(`${kube.url}/version`).once('error', resolve).end()
  expect(await promise).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
})

test('a user may do what its rules say, in its namespace, and nothing else', async () => {
  const [here, there] = [await kube.namespace('rules-here'), await kube.namespace('rules-there')]
  const rule = { apiGroups: [group], resources: ['leases'], verbs: ['create', 'get'] }
  const token = await kube.user('reader', [rule], here)
  const lease = { metadata: { name: 'a' }, spec: { holderIdentity: 'me' } }

  expect(await kube.ask('POST', leases(here), lease, token)).toMatchObject({ status: 201 })
  expect(await kube.ask('GET', `${leases(here)}/a`, undefined, token)).toMatchObject({
    status: 200,
    body: { spec: { holderIdentity: 'me' } },
  })
  const denied = { status: 403, body: { reason: 'Forbidden' } }
  expect(await kube.ask('DELETE', `${leases(here)}/a`, undefined, token)).toMatchObject(denied)
  expect(await kube.ask('POST', leases(there), lease, token)).toMatchObject(denied)
  expect(await kube.ask('GET', leases(here), undefined, '')).toMatchObject(denied)
  expect(await kube.ask('GET', leases(here), undefined, 'of nobody')).toMatchObject({ status: 401 })
})

test('what is stored outlives a restart and a crash of the server, and so do tokens', async () => {
  const namespace = await kube.namespace('restart')
  const rule = { apiGroups: [group], resources: ['leases'], verbs: ['get'], resourceNames: ['kept'] }
  const token = await kube.user('reader', [rule], namespace)
  await kube.ask('POST', leases(namespace), { metadata: { name: 'kept' } })
  const { pid, port } = kube

  await kube.kill()
  expect(isAlive(pid)).toBe(false)
  expect(await listens(kube)).toBe(false)
  await kube.restart()
  expect(kube).toMatchObject({ port })
  expect(kube.pid).not.toBe(pid)
  expect(await kube.ask('GET', `${leases(namespace)}/kept`, undefined, token)).toMatchObject({ status: 200 })
}, 90_000)

test('a paused server answers after it is resumed', async () => {
  kube.pause()
  let answered = false
  const answer = kube.ask('GET', '/version').finally(() => {
    answered = true
  })
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(answered).toBe(false)
  kube.resume()
  expect(await answer).toMatchObject({ status: 200 })
})

test('a stopped server is gone with its etcd, and so is what it stored', async () => {
  const server = await startKube()
  const { pid, etcd } = server
  server.pause()
  await server.stop()
  await server.stop()
  expect(isAlive(pid)).toBe(false)
  expect(await listens(server)).toBe(false)
  expect(await listens(etcd)).toBe(false)
}, 90_000)

test('of two schedulers one leads, and the other one after it, once its lease has run out', async () => {
  const namespace = await kube.namespace('schedulers')
  const options = { kube, namespace, leaseName: 'leader', leaseDuration: 3, renewDeadline: 2, retryPeriod: 1 }
  const schedulers: readonly Scheduler[] = await Promise.all([startScheduler(options), startScheduler(options)])
  onTestFinished(async () => {
    await Promise.all(schedulers.map((one) => one.stop()))
  })
  const first = await poll('one leads', () => schedulers.find(({ leads }) => leads), 30_000)
  const second = schedulers.find((one) => one !== first)
  if (second === undefined) throw new Error('there are two')
  await first.kill()
  const left = await leaseOf(namespace, 'leader')
  await poll('the other one leads', () => second.leads, 30_000)
  const taken = await leaseOf(namespace, 'leader')
  expect(taken.holderIdentity).not.toBe(left.holderIdentity)
  expect(taken.leaseTransitions).toBe(left.leaseTransitions + 1)
  expect(Date.parse(taken.acquireTime) - Date.parse(left.renewTime)).toBeGreaterThanOrEqual(3_000)
}, 120_000)

test('a scheduler whose server hangs gives its lead up by ending', async () => {
  const namespace = await kube.namespace('hung')
  const options = { kube, namespace, leaseName: 'leader', leaseDuration: 3, renewDeadline: 2, retryPeriod: 1 }
  const scheduler = await startScheduler(options)
  onTestFinished(() => scheduler.stop())
  await poll('it leads', () => scheduler.leads, 30_000)
  kube.pause()
  try {
    await poll('it has ended', () => !scheduler.runs, 30_000)
  } finally {
    kube.resume()
  }
  expect(scheduler.log).toContain('leaderelection lost')
}, 90_000)
