/** What of an etcd3 client is needed: by its shape, so that any copy of the library will do. */

export interface KeyValue {
  readonly key: Buffer
  readonly value: Buffer
  readonly create_revision: string
  readonly mod_revision: string
  /** `0`: none. */
  readonly lease: string
}

export interface RangeRequest {
  key: Buffer
  range_end?: Buffer
  limit?: number
  sort_order?: number
  sort_target?: number
  keys_only?: boolean
  count_only?: boolean
  max_create_revision?: string
}

export interface RangeAnswer {
  readonly kvs: readonly KeyValue[]
  readonly more: boolean
  readonly count: string
}

export interface Comparison {
  key: Buffer
  range_end?: Buffer
  target: number
  result: number
  create_revision?: string
  mod_revision?: string
  value?: Buffer
}

export interface Operation {
  request_range?: RangeRequest
  request_put?: { key: Buffer; value: Buffer; lease?: string }
  request_delete_range?: { key: Buffer }
  request_txn?: Transaction
}

export interface Transaction {
  compare: Comparison[]
  success: Operation[]
  failure: Operation[]
}

export interface Response {
  readonly response_range?: RangeAnswer
  readonly response_delete_range?: { readonly deleted: string }
  readonly response_txn?: Omit<TransactionAnswer, 'header'>
}

export interface TransactionAnswer {
  readonly header: { readonly revision: string }
  readonly succeeded: boolean
  readonly responses: readonly Response[]
}

export interface CallOptions {
  deadline?: number
}

/** A stream in both directions, as gRPC has it. */
export interface Duplex<Sent, Got> {
  write(message: Sent): unknown
  end(): unknown
  cancel(): unknown
  on(event: 'data', listener: (message: Got) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
}

export interface KeepAliveAnswer {
  readonly ID: string
  /** `0`: there is no such lease any more. */
  readonly TTL: string
}

export interface WatchCreation {
  key: Buffer
  range_end?: Buffer
  start_revision: string
  watch_id: string
  filters?: number[]
}

export interface WatchRequest {
  create_request?: WatchCreation
  cancel_request?: { watch_id: string }
  progress_request?: object
}

export interface WatchAnswer {
  readonly watch_id: string
  readonly created: boolean
  readonly canceled: boolean
  readonly events?: readonly { readonly type: string | number; readonly kv: { readonly key: Buffer } }[]
}

export interface StatusAnswer {
  readonly header: { readonly member_id: string; readonly raft_term: string }
  readonly version: string
  readonly dbSize: string
  readonly leader: string
  readonly errors?: readonly string[]
}

/**
 * A client of etcd3 (1.1), or a namespace of one, whose prefix then comes before this backend's. What it was told of hosts,
 * users and TLS is taken from it.
 */
export interface EtcdClient {
  readonly prefix?: Uint8Array
  readonly kv: {
    range(request: RangeRequest, options?: CallOptions): Promise<unknown>
    txn(request: Transaction, options?: CallOptions): Promise<unknown>
    deleteRange(request: { key: Buffer }, options?: CallOptions): Promise<unknown>
  }
  readonly leaseClient: {
    leaseGrant(request: { TTL: number }, options?: CallOptions): Promise<unknown>
    leaseRevoke(request: { ID: string }, options?: CallOptions): Promise<unknown>
    leaseTimeToLive(request: { ID: string }, options?: CallOptions): Promise<unknown>
    leaseKeepAlive(options?: CallOptions): Promise<unknown>
  }
  readonly watchClient: {
    watch(options?: CallOptions): Promise<unknown>
  }
  readonly maintenance?: {
    status(options?: CallOptions): Promise<unknown>
    alarm(request: object, options?: CallOptions): Promise<unknown>
  }
  readonly cluster?: {
    memberList(request: object, options?: CallOptions): Promise<unknown>
  }
  close?(): unknown
}
