/** What this user may do: everything with the Role of the docs, and a clear word where a verb of it lacks. */
import { loadYaml } from '@kubernetes/client-node'
import { createLocks, LockBackendError } from '@locks/core'
import { expect, test } from 'vitest'
import type { KubeRule } from '../../servers/kube-api.ts'
import { poll } from '../../servers/poll.ts'
import { kubeForAll, namespaceOn, now, Party, samplesOf } from './harness.ts'

const kube = kubeForAll()

interface Resource {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace: string }
  readonly rules?: readonly KubeRule[]
}

const manifests = samplesOf('backends/k8s.md', 'yaml').flatMap((sample) =>
  sample.split(/^---$/m).map((text) => loadYaml<Resource>(text)),
)

const role = manifests.find(({ kind }) => kind === 'Role')
const rules = role?.rules ?? []
const verbs = rules.flatMap((rule) => rule.verbs)

test('the docs’ Role is one rule on Leases, of the verbs that are used', () => {
  expect(rules).toEqual([
    {
      apiGroups: ['coordination.k8s.io'],
      resources: ['leases'],
      verbs: ['get', 'create', 'update', 'watch', 'list', 'delete'],
    },
  ])
})

test('everything works under the docs’ Role', { timeout: 30_000 }, async () => {
  const namespace = await namespaceOn(kube())
  const token = await kube().user('locks', rules, namespace)
  const [one, two] = [await Party.at(kube(), namespace, { token }), await Party.at(kube(), namespace, { token })]
  const locks = createLocks({ backend: one.backend })
  const lease = await locks.lock('a').acquire()
  const waiting = two.lock('a', { timeout: 20_000 }).acquire()
  await poll('it waits', async () => (await one.lock('a').inspect()).waiters === 1)
  expect(await locks.list()).toEqual(['a'])
  await lease.renew()
  await lease.release()
  const next = await waiting
  expect(await one.lock('a').forceRelease()).toBe(true)
  await expect(next.renew()).rejects.toMatchObject({ code: 'LOCK_LOST' })
  expect((await one.backend.examine?.({ timeout: 3_000 }))?.filter(({ severity }) => severity !== 'ok')).toEqual([])
})

test.each(['get', 'create', 'update'])('without the verb %s a lock says so, and prints the Role', async (missing) => {
  const namespace = await namespaceOn(kube())
  const token = await kube().user(
    'few',
    [{ ...rules[0], verbs: verbs.filter((verb) => verb !== missing) } as KubeRule],
    namespace,
  )
  const party = await Party.at(kube(), namespace, { token })
  const started = now()
  const error = (await party
    .lock('a')
    .acquire()
    .catch((thrown: unknown) => thrown)) as LockBackendError
  expect(error).toBeInstanceOf(LockBackendError)
  expect(error.message).toContain(`lock "a" on k8s namespace "${namespace}"`)
  expect(error.message).toContain(`not allowed to ${missing} leases`)
  expect(loadYaml<Resource>(error.message.slice(error.message.indexOf('apiVersion:')))).toMatchObject({
    kind: 'Role',
    metadata: { namespace },
    rules,
  })
  expect(now() - started).toBeLessThan(3_000)
  const findings = (await party.backend.examine?.({ timeout: 3_000 })) ?? []
  expect(findings.filter(({ severity, subject }) => severity === 'risk' && subject === 'access')).toEqual([
    expect.objectContaining({ message: expect.stringContaining(`not allowed to ${missing} leases`) }),
  ])
})

test('without the verb watch, who waits looks every two seconds', { timeout: 30_000 }, async () => {
  const namespace = await namespaceOn(kube())
  const without = verbs.filter((verb) => verb !== 'watch')
  const token = await kube().user('blind', [{ ...rules[0], verbs: without } as KubeRule], namespace)
  const [holder, waiter] = [await Party.at(kube(), namespace), await Party.at(kube(), namespace, { token })]
  const lease = await holder.lock('a', { ttl: 60_000 }).acquire()
  const waiting = waiter.lock('a', { ttl: 60_000, timeout: 25_000 }).acquire()
  await poll('it waits', async () => (await holder.lock('a').inspect()).waiters === 1)
  await lease.release()
  const released = now()
  await (await waiting).release()
  expect(now() - released).toBeLessThan(4_000)
})

test('without the verb list, listing says so, and locks work', async () => {
  const namespace = await namespaceOn(kube())
  const without = verbs.filter((verb) => verb !== 'list')
  const token = await kube().user('unlisted', [{ ...rules[0], verbs: without } as KubeRule], namespace)
  const { backend } = await Party.at(kube(), namespace, { token })
  const locks = createLocks({ backend })
  await locks.using('a', () => undefined)
  await expect(locks.list()).rejects.toThrow(/not allowed to list leases, which is needed to list locks/)
})

test('a namespace that is not there is named, and so are credentials that are not accepted', async () => {
  const nowhere = await Party.at(kube(), 'nowhere')
  await expect(nowhere.lock('a').acquire()).rejects.toThrow(/namespaces "nowhere" not found \(404\)/)
  const stranger = await Party.at(kube(), 'default', { token: 'wrong' })
  await expect(stranger.lock('a').acquire()).rejects.toThrow(/does not accept the credentials \(401/)
})

test('the docs’ manifests are taken by an API server, as they are', async () => {
  const kinds = manifests.map(({ kind }) => kind)
  for (const kind of ['Role', 'RoleBinding', 'ServiceAccount', 'Deployment', 'CronJob']) expect(kinds).toContain(kind)
  await kube().namespace('shop')
  const paths: Readonly<Record<string, string>> = {
    ServiceAccount: '/api/v1/namespaces/shop/serviceaccounts',
    Role: '/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles',
    RoleBinding: '/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings',
    Deployment: '/apis/apps/v1/namespaces/shop/deployments',
    // In force since 1.21; this server has its beta.
    CronJob: '/apis/batch/v1beta1/namespaces/shop/cronjobs',
  }
  for (const manifest of manifests) {
    const sent = manifest.kind === 'CronJob' ? { ...manifest, apiVersion: 'batch/v1beta1' } : manifest
    const path = paths[manifest.kind] ?? expect.fail(`an unexpected ${manifest.kind}`)
    expect(await kube().ask('POST', `${path}?dryRun=All`, sent)).toMatchObject({ status: 201 })
  }
})
