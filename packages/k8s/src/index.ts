export type {
  Answer,
  CallOptions,
  KubeConfig,
  LeaseApi,
  LeaseList,
  LeaseMetadata,
  LeaseObject,
  LeaseSpec,
  ManagedFields,
  RequestContext,
} from './client.ts'
export { k8sBackend } from './k8s-backend.ts'
export type { K8sBackendOptions } from './options.ts'
