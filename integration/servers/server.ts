/** The kinds of server that the adapters are tested on. */
export type ServerKind = 'redis' | 'valkey' | 'memcached' | 'etcd'

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
