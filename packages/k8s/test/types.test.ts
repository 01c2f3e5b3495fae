import { CoordinationV1Api, KubeConfig } from '@kubernetes/client-node'
import { expect, test } from 'vitest'
import { k8sBackend } from '../src/index.ts'

test('takes the library’s own objects', async () => {
  const kubeConfig = new KubeConfig()
  kubeConfig.loadFromClusterAndUser({ name: 'c', server: 'https://127.0.0.1:1', skipTLSVerify: false }, { name: 'u' })
  const api = kubeConfig.makeApiClient(CoordinationV1Api)
  for (const backend of [
    k8sBackend(kubeConfig),
    k8sBackend({ kubeConfig, namespace: 'a' }),
    k8sBackend({ api, namespace: 'a' }),
  ]) {
    expect(backend.name).toBe('k8s')
    await backend.close()
  }
})
