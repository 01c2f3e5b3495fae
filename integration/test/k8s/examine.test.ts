import { CoordinationV1Api } from '@kubernetes/client-node'
import type { Finding, LockBackend } from '@locks/core'
import { k8sBackend } from '@locks/k8s'
import { expect, test } from 'vitest'
import { configThrough, kubeForAll, leasesIn, namespaceOn, Party } from './harness.ts'

const kube = kubeForAll()

async function findings(backend: LockBackend): Promise<readonly Finding[]> {
  return (await backend.examine?.({ timeout: 3_000 })) ?? expect.fail('it has nothing to examine')
}

const about = (found: readonly Finding[], subject: string): readonly string[] =>
  found.flatMap((one) => (one.subject === subject ? [`${one.severity} ${one.message}`] : []))

test('all is well on this server, and nothing is left on it', async () => {
  const namespace = await namespaceOn(kube())
  const found = await findings((await Party.at(kube(), namespace)).backend)
  expect(found.filter(({ severity }) => severity !== 'ok')).toEqual([])
  expect(about(found, 'access')[0]).toContain(`in the namespace ${namespace} at https://127.0.0.1:`)
  expect(found.map(({ subject }) => subject)).toEqual(['access', 'watch', 'stamps', 'latency', 'clock'])
  expect(await leasesIn(kube(), namespace)).toEqual([])
})

test('an api object can’t tell what is allowed, and can’t watch', async () => {
  const namespace = await namespaceOn(kube())
  const api = configThrough(kube().kubeConfig(), kube()).makeApiClient(CoordinationV1Api)
  const backend = k8sBackend({ api, namespace })
  const found = await findings(backend)
  expect(about(found, 'access')[0]).toMatch(/^unknown .*give kubeConfig/)
  expect(about(found, 'watch')[0]).toMatch(/^risk .*asks twice a second/)
  await backend.close()
})

test('a server that does not answer is an error, not a finding', async () => {
  const party = await Party.at(kube(), await namespaceOn(kube()))
  party.proxy.pause()
  await expect(party.backend.examine?.({ timeout: 300 })).rejects.toThrow()
})
