export type {
  CallOptions,
  Comparison,
  EtcdClient,
  KeyValue,
  Operation,
  RangeRequest,
  Transaction,
} from './client.ts'
export { etcdBackend } from './etcd-backend.ts'
export { type GuardArguments, guard } from './guard.ts'
export type { EtcdAddress, EtcdBackendOptions } from './options.ts'
