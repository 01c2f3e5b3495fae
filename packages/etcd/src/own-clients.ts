import type { EtcdAddress } from './address.ts'
import type { EtcdClient } from './client.ts'

const AUTH_TIMEOUT = 3_000

/** What etcd3 does with each call, in place of its retries and circuit breaker: whether to ask again is decided here. */
const once = { execute: async (call: (context: object) => unknown): Promise<unknown> => call({}) }

/** A dead connection is noticed in a few seconds, a new one tried often: gRPC would wait for minutes. */
const CHANNEL = {
  'grpc.keepalive_time_ms': 6_000,
  'grpc.keepalive_timeout_ms': 2_000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  // A channel that etcd3 makes anew, as the old one did not answer, is to have a connection of its own.
  'grpc.use_local_subchannel_pool': 1,
}

export interface OwnAddress extends EtcdAddress {
  readonly hosts: readonly string[]
}

type Constructor = new (options: object) => EtcdClient

/** One client for each member: which of them is asked is decided here, too. */
export async function openMembers({
  hosts,
  auth,
  credentials,
  grpcOptions,
}: OwnAddress): Promise<readonly EtcdClient[]> {
  const { Etcd3 } = await load()
  return hosts.map(
    (host) =>
      new Etcd3({
        hosts: host,
        ...(auth && { auth: { ...auth, callOptions: () => ({ deadline: Date.now() + AUTH_TIMEOUT }) } }),
        ...(credentials && { credentials }),
        grpcOptions: { ...CHANNEL, ...grpcOptions },
        faultHandling: { host: () => once, global: once },
      }),
  )
}

async function load(): Promise<{ readonly Etcd3: Constructor }> {
  try {
    return (await import('etcd3')) as unknown as { readonly Etcd3: Constructor }
  } catch (cause) {
    throw new Error('etcd3 can not be loaded: npm i etcd3', { cause })
  }
}

/** Hosts as messages show them. */
export const locationOf = (hosts: readonly string[]): string =>
  hosts.map((host) => host.replace(/^https?:\/\//, '')).join(',')
