/** The kinds of server that the adapters are tested on. */
export type ServerKind = 'redis' | 'valkey' | 'memcached' | 'etcd'

/** All of which there are versions to test on; `k8s` is Kubernetes' apiserver, which takes more to talk to. */
export type TestedKind = ServerKind | 'k8s'

/** A server that a test started: on this machine's loopback, with nothing stored in it yet. */
export interface Server {
  readonly kind: ServerKind
  /** The first two or three parts of its version, as it tells them itself: `7.0.15`. */
  readonly version: string
  readonly host: string
  readonly port: number
  /** Ends it and removes what it stored. Idempotent. */
  stop(): Promise<void>
}
