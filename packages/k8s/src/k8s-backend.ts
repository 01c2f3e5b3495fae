import { type ExamineRequest, type LockBackend, recordBackend, systemRuntime } from '@locks/core'
import type { KubeConfig } from './client.ts'
import { examine } from './examine.ts'
import { LeaseStore } from './lease-store.ts'
import { type K8sBackendOptions, settingsFrom } from './options.ts'
import { Requests } from './requests.ts'

/**
 * Locks as Lease objects of a Kubernetes cluster: options, a `KubeConfig` of @kubernetes/client-node, or a URL like
 * `k8s://NAMESPACE?context=NAME`. Default: the cluster and the namespace that kubectl would use, in a pod its own. Loads
 * @kubernetes/client-node, and reads a kubeconfig, at the first use only; a rejection with a `LockBackendError` then says
 * what is missing.
 *
 * Throws a TypeError or RangeError for options or a URL that it does not understand.
 */
export function k8sBackend(options?: string | URL | KubeConfig | K8sBackendOptions): LockBackend {
  const settings = settingsFrom(options)
  const requests = new Requests(settings.open, systemRuntime)
  return Object.assign(recordBackend(new LeaseStore(settings, requests, systemRuntime)), {
    examine: ({ timeout }: ExamineRequest) => examine(requests, settings, timeout, systemRuntime),
  })
}
