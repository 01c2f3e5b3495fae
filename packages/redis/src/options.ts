import type { Runtime } from '@locks/core'
import type { RedisAddress, RedisNode } from './client/address.ts'
import type { Connection } from './client/connection.ts'
import { IoredisConnection, type IoredisLike } from './client/ioredis.ts'
import {
  type NodeRedisClusterLike,
  type NodeRedisLike,
  type NodeRedisSentinelLike,
  overClient,
  overCluster,
  overSentinel,
} from './client/node-redis.ts'
import { OwnConnection } from './client/own.ts'

/** A client of ioredis, iovalkey or node-redis: standalone, by Sentinel, or of a Cluster. */
export type RedisClient = IoredisLike | NodeRedisLike | NodeRedisClusterLike | NodeRedisSentinelLike

/** A client of yours, or where to connect. */
export interface RedisBackendOptions extends RedisAddress {
  /**
   * A client that is yours: it stays open, and nothing is registered on it. Messages are heard over a duplicate of it, made
   * when a lock is first waited for. With a client, none of the options below but `prefix` is allowed.
   */
  readonly client?: RedisClient | undefined
  /** What the keys and channels start with; the locks of different prefixes are different locks. Default `locks:`. */
  readonly prefix?: string | undefined
}

export interface Settings {
  readonly prefix: string
  connect(runtime: Runtime): Connection
}

export const DEFAULT_PREFIX = 'locks:'
const ADDRESS = [
  'host',
  'port',
  'path',
  'username',
  'password',
  'db',
  'tls',
  'sentinels',
  'name',
  'sentinelUsername',
  'sentinelPassword',
  'cluster',
] as const
const KNOWN: readonly string[] = ['client', 'prefix', ...ADDRESS]
const SECRET = ['password', 'sentinelPassword']

const shown = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : String(value))

/** Checks what was given to `redisBackend`: a URL, a client, or options. */
export function settingsFrom(given: string | URL | RedisClient | RedisBackendOptions | undefined): Settings {
  if (given === undefined) return fromOptions({})
  if (typeof given === 'string' || given instanceof URL) return fromOptions(optionsFromUrl(String(given)))
  if (typeof given !== 'object' || given === null)
    throw new TypeError(`redisBackend was given ${shown(given)}: give a URL, a client or options`)
  return isClient(given) ? fromOptions({ client: given }) : fromOptions(given as RedisBackendOptions)
}

export const isClient = (value: object): value is RedisClient => 'call' in value || 'sendCommand' in value

function fromOptions(options: RedisBackendOptions): Settings {
  for (const name of Object.keys(options))
    if (!KNOWN.includes(name))
      throw new TypeError(`unknown option ${shown(name)}: redisBackend has ${KNOWN.join(', ')}`)
  const { client, prefix = DEFAULT_PREFIX } = options
  // An empty pair of braces would keep a lock's keys from having one hash slot; scripts part what they store at spaces.
  if (typeof prefix !== 'string' || !prefix.isWellFormed() || /\{\}|\s/.test(prefix))
    throw new TypeError(`prefix is ${shown(prefix)}: it must be a string without "{}" and white space`)
  if (client === undefined) return { prefix, connect: (runtime) => new OwnConnection(addressFrom(options), runtime) }
  const other = ADDRESS.find((name) => options[name] !== undefined)
  if (other !== undefined) throw new TypeError(`${other} is given beside client: the client knows where to connect`)
  const connection = connectionOf(client)
  const { keyPrefix, missingPrefix = '' } = connection
  if (/\{\}/.test(keyPrefix) || /\{\}|\s/.test(missingPrefix))
    throw new TypeError(
      `the client's keyPrefix is ${shown(keyPrefix + missingPrefix)}: it must have no "{}" nor white space`,
    )
  return { prefix: missingPrefix + prefix, connect: () => connection }
}

/** Which library a client is from shows by its methods. */
function connectionOf(client: RedisClient): Connection {
  if (typeof client !== 'object' || client === null || !isClient(client))
    throw new TypeError(`client is ${shown(client)}: it must be a client of ioredis, iovalkey or node-redis`)
  if ('call' in client) return new IoredisConnection(client)
  if ('getSentinelNode' in client) return overSentinel(client)
  if ('masters' in client) return overCluster(client)
  if (!('subscribe' in client))
    throw new TypeError('client can not subscribe: a pool can not be used, give one client of it (createClient)')
  return overClient(client as NodeRedisLike)
}

function addressFrom(options: RedisBackendOptions): RedisAddress {
  const texts = ['host', 'path', 'username', 'password', 'name', 'sentinelUsername', 'sentinelPassword'] as const
  for (const name of texts) {
    const value = options[name]
    if (value !== undefined && (typeof value !== 'string' || value === ''))
      throw new TypeError(
        `${name} is ${SECRET.includes(name) ? 'not a non-empty string' : shown(value)}: it must be a non-empty string`,
      )
  }
  const { port, db, tls, sentinels, name, cluster } = options
  if (port !== undefined) checkPort(port, 'port')
  if (db !== undefined && (!Number.isInteger(db) || db < 0))
    throw new RangeError(`db is ${shown(db)}: it must be a whole number from 0`)
  if (tls !== undefined && (typeof tls !== 'object' || tls === null))
    throw new TypeError(`tls is ${shown(tls)}: it must be an object, {} for the defaults`)
  checkNodes(sentinels, 'sentinels')
  checkNodes(cluster, 'cluster')
  if ((sentinels === undefined) !== (name === undefined))
    throw new TypeError('sentinels and name go together: the name of the master that the sentinels watch')
  const ways = [options.host ?? port, options.path, sentinels, cluster].filter((way) => way !== undefined)
  if (ways.length > 1) throw new TypeError('give one of host and port, path, sentinels, cluster')
  if (cluster !== undefined && db !== undefined && db !== 0) throw new RangeError(`db is ${db}: a Cluster has only 0`)
  const { host = '127.0.0.1' } = options
  const chosen = Object.fromEntries(ADDRESS.flatMap((key) => (options[key] === undefined ? [] : [[key, options[key]]])))
  return ways[0] === undefined || ways[0] === options.host || ways[0] === port ? { ...chosen, host } : chosen
}

function checkPort(port: unknown, name: string): void {
  if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65_535)
    throw new RangeError(`${name} is ${shown(port)}: it must be a whole number from 1 to 65535`)
}

function checkNodes(nodes: readonly RedisNode[] | undefined, name: string): void {
  if (nodes === undefined) return
  if (!Array.isArray(nodes) || nodes.length === 0) throw new TypeError(`${name} must be a list of { host, port }`)
  for (const [at, node] of nodes.entries()) {
    if (typeof node?.host !== 'string') throw new TypeError(`${name}[${at}] must be { host, port }`)
    checkPort(node.port, `${name}[${at}].port`)
  }
}

/**
 * `redis:`, `rediss://user:password@host:port/db`; several hosts with `?cluster=true` or `?sentinel=NAME`; `?prefix=TEXT`.
 */
function optionsFromUrl(text: string): RedisBackendOptions {
  const wrong = (): TypeError =>
    new TypeError(
      `the URL ${shown(text.replace(/\/\/[^@/?#]*@/, '//…@'))} is not understood: redis://[user:password@]host[:port][/db], rediss: for TLS, ?prefix=, ?cluster=true or ?sentinel=NAME`,
    )
  const parts =
    /^(rediss?|valkeys?):(?:\/\/(?:([^@/?#:]*)(?::([^@/?#]*))?@)?([^@/?#]*))?(?:\/(\d*))?(?:\?([^#]*))?$/.exec(text)
  if (parts === null) throw wrong()
  const [, scheme, username, password, hosts = '', db, query] = parts
  const nodes = (hosts === '' ? [] : hosts.split(',')).map((node): Partial<RedisNode> => {
    const [, host, port] = /^(\[[0-9A-Fa-f:.]+\]|[^:[\]]*)(?::(\d+))?$/.exec(node) ?? []
    if (host === undefined) throw wrong()
    return {
      ...(host === '' ? {} : { host: host.replace(/^\[|\]$/g, '') }),
      ...(port === undefined ? {} : { port: Number(port) }),
    }
  })
  const parameters = new Map(new URLSearchParams(query))
  const cluster = parameters.get('cluster')
  const sentinel = parameters.get('sentinel')
  const prefix = parameters.get('prefix')
  for (const name of parameters.keys())
    if (!['cluster', 'sentinel', 'prefix'].includes(name))
      throw new TypeError(`unknown option ${shown(name)} in the URL`)
  if (cluster !== undefined && cluster !== 'true' && cluster !== 'false')
    throw new TypeError(`cluster is ${shown(cluster)} in the URL: it must be true or false`)
  const whole = (port: number): RedisNode[] => nodes.map((node) => ({ host: '127.0.0.1', port, ...node }))
  const several =
    cluster === 'true' ? { cluster: whole(6379) } : sentinel ? { sentinels: whole(26_379), name: sentinel } : undefined
  if (several === undefined && nodes.length > 1) throw wrong()
  const given = (value: string | undefined): boolean => value !== undefined && value !== ''
  return {
    ...(several ?? nodes[0]),
    ...(given(username) ? { username: decodeURIComponent(username as string) } : {}),
    ...(given(password) ? { password: decodeURIComponent(password as string) } : {}),
    ...(given(db) ? { db: Number(db) } : {}),
    ...(scheme?.endsWith('s') && scheme !== 'redis' ? { tls: {} } : {}),
    ...(prefix === undefined ? {} : { prefix }),
  }
}
