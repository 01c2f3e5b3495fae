export interface RedisNode {
  readonly host: string
  readonly port: number
}

/** Where to connect. The names are those of ioredis's options, but for `cluster`. */
export interface RedisAddress {
  /** Default `127.0.0.1`. */
  readonly host?: string | undefined
  /** Default 6379. */
  readonly port?: number | undefined
  /** A Unix socket, instead of host and port. */
  readonly path?: string | undefined
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** The number of the database. Default 0. */
  readonly db?: number | undefined
  /** TLS, by the options of `tls.connect`; `{}` for its defaults. Default: none. */
  readonly tls?: object | undefined
  /** Sentinels to ask for the master called `name`, instead of host and port. */
  readonly sentinels?: readonly RedisNode[] | undefined
  readonly name?: string | undefined
  readonly sentinelUsername?: string | undefined
  readonly sentinelPassword?: string | undefined
  /** Some nodes of a Cluster, instead of host and port. */
  readonly cluster?: readonly RedisNode[] | undefined
}

const list = (nodes: readonly RedisNode[]): string =>
  nodes
    .map(({ host, port }) => `${host}:${port}`)
    .sort()
    .join(',')

/** The server in words, without secrets. */
export function locationOf({
  cluster,
  sentinels,
  name,
  path,
  host = 'localhost',
  port = 6379,
  db = 0,
}: RedisAddress): string {
  if (cluster) return list(cluster)
  const at = sentinels ? `${name} of ${list(sentinels)}` : (path ?? `${host}:${port}`)
  return db === 0 ? at : `${at}/${db}`
}
