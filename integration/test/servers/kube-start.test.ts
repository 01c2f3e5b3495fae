import { expect, test } from 'vitest'
import { startKubeVersion } from '../../servers/kube-start.ts'
import { available } from '../../servers/versions.ts'
import { listens } from '../faults/harness.ts'

const versions = await available('k8s')

test('there is a version of Kubernetes to test on', () => {
  expect(versions).not.toEqual([])
})

for (const version of versions) {
  test(`k8s ${version} answers on the loopback to whom it knows, and nothing listens after its stop`, async () => {
    const kube = await startKubeVersion(version)
    const leases = '/apis/coordination.k8s.io/v1/namespaces/here/leases'
    try {
      expect(`${kube.version}.`).toContain(`${version}.`)
      expect(kube.host).toBe('127.0.0.1')
      await kube.namespace('here')
      const rule = { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] }
      const token = await kube.user('writer', [rule], 'here')
      expect(await kube.ask('POST', leases, { metadata: { name: 'a' } }, token)).toMatchObject({ status: 201 })
      expect(await kube.ask('GET', leases, undefined, token)).toMatchObject({ status: 403 })
      expect(await kube.ask('GET', leases)).toMatchObject({
        status: 200,
        body: { items: [{ metadata: { name: 'a' } }] },
      })
    } finally {
      await kube.stop()
    }
    await kube.stop()
    expect(await listens(kube)).toBe(false)
  }, 120_000)
}
