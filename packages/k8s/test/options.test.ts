import { KubeConfig } from '@kubernetes/client-node'
import { Lock } from '@locks/core'
import { expect, test } from 'vitest'
import { k8sBackend } from '../src/index.ts'

const api = (): object => ({ replaceNamespacedLeaseWithHttpInfo: () => undefined })
const backend = k8sBackend as (given?: unknown) => ReturnType<typeof k8sBackend>

test.each([
  [{ namespaces: 'x' }, /unknown option "namespaces": k8sBackend has namespace, leaseName/],
  [{ namespace: 'A_b' }, /namespace is "A_b": allowed are up to 63 lower-case letters/],
  [{ namespace: 5 }, /namespace is 5: it must be a string/],
  [{ leaseName: '' }, /leaseName is "": allowed are/],
  [{ kubeConfig: {} }, /kubeConfig is .* must be a KubeConfig/],
  [{ api: {} }, /api is .* must be a CoordinationV1Api/],
  [{ api: api() }, /api is given without namespace/],
  [{ api: api(), namespace: 'a', context: 'c' }, /context is given beside api/],
  [{ kubeConfig: new KubeConfig(), api: api() }, /api is given beside kubeConfig/],
  [{ context: '' }, /context is "": it must be a non-empty string/],
  [5, /k8sBackend was given 5/],
  ['https://x', /must be like k8s:\/\/NAMESPACE/],
  ['k8s://a?port=1', /unknown option "port"/],
])('refuses %j', (given, message) => {
  expect(() => backend(given)).toThrow(TypeError)
  expect(() => backend(given)).toThrow(message)
})

test.each([-1, Number.NaN, '5'])('refuses the skew %j', (serverClockSkew) => {
  expect(() => backend({ serverClockSkew })).toThrow(RangeError)
})

test('a URL says it all', () => {
  expect(k8sBackend('k8s://jobs?lease=importer').location).toBe('namespace "jobs" Lease "importer"')
  expect(k8sBackend('k8s:').location).toBe('its default namespace')
  expect(k8sBackend(new URL('k8s://jobs')).location).toBe('namespace "jobs"')
})

test('capabilities follow from how it can be used', () => {
  expect(k8sBackend().capabilities).toMatchObject({ wakeup: 'push', list: true, ttl: { infinite: true } })
  expect(backend({ api: api(), namespace: 'a' }).capabilities.wakeup).toBe('poll')
  expect(k8sBackend({ leaseName: 'a' }).capabilities).toMatchObject({ list: false, ttl: { infinite: false } })
  expect(k8sBackend().capabilities.guarantee.exclusionAcross.clockStep).toBe(false)
  expect(
    k8sBackend({ serverClockSkew: Number.POSITIVE_INFINITY }).capabilities.guarantee.exclusionAcross.clockStep,
  ).toBe(true)
})

test('with a Lease of its own there is one lock, and another one is refused at once', async () => {
  const lease = { metadata: { name: 'x', uid: 'u', resourceVersion: '7' }, spec: {} }
  let asked = 0
  const readNamespacedLeaseWithHttpInfo = async () => {
    asked += 1
    return { headers: {}, data: lease }
  }
  const shared = backend({ api: { ...api(), readNamespacedLeaseWithHttpInfo }, namespace: 'a', leaseName: 'x' })
  expect(await new Lock('one', { backend: shared }).locked()).toBe(false)
  await expect(new Lock('two', { backend: shared }).acquire()).rejects.toMatchObject({
    code: 'LOCK_UNSUPPORTED',
    message: expect.stringContaining('lock "two" on k8s namespace "a" Lease "x": this backend has the one Lease "x"'),
  })
  expect(asked).toBe(1)
  await shared.close()
})
