export type { EtcdAddress } from './address.ts'
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
export type { EtcdBackendOptions } from './options.ts'
