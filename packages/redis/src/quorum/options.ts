import { type LockBackend, type Runtime, systemRuntime } from '@locks/core'
import type { Connection } from '../client/connection.ts'
import { DEFAULT_PREFIX, isClient, type RedisBackendOptions, type RedisClient, settingsFrom } from '../options.ts'
import { Node } from './node.ts'
import { Quorum } from './quorum.ts'
import { RedisQuorumBackend } from './quorum-backend.ts'

export interface RedisQuorumOptions {
  /** What the keys start with; the same at all servers. Default `locks:`. */
  readonly prefix?: string | undefined
  /**
   * How long one server is waited for, in milliseconds: at most; never longer than half a ttl, and never once the others
   * have decided. At least 1. Default 1,000.
   */
  readonly nodeTimeout?: number | undefined
}

/** One server: a URL, a client, or options as for `redisBackend`, without `prefix`. */
export type RedisQuorumNode = string | URL | RedisClient | RedisBackendOptions

const NODE_TIMEOUT = 1_000
const KNOWN: readonly string[] = ['prefix', 'nodeTimeout']

/**
 * Locks on N independent Redis (from 7.0) or Valkey servers, none a replica of another: held if a majority says so, and kept
 * while a minority is down, hung, cut off or restarted without its data. 3 or 5 are usual; an even number works, and stands
 * no more than the odd one below. Connects on first use.
 *
 * Throws a TypeError or RangeError for what it does not understand.
 */
export function redisQuorumBackend(nodes: readonly RedisQuorumNode[], options: RedisQuorumOptions = {}): LockBackend {
  if (!Array.isArray(nodes) || nodes.length === 0)
    throw new TypeError('redisQuorumBackend needs a list of servers: URLs, clients or options')
  if (typeof options !== 'object' || options === null) throw new TypeError('the options must be an object')
  for (const name of Object.keys(options))
    if (!KNOWN.includes(name))
      throw new TypeError(`unknown option ${JSON.stringify(name)}: redisQuorumBackend has ${KNOWN.join(', ')}`)
  const { prefix, nodeTimeout = NODE_TIMEOUT } = options
  if (!Number.isInteger(nodeTimeout) || nodeTimeout < 1)
    throw new RangeError(`nodeTimeout is ${String(nodeTimeout)}: it must be a whole number of milliseconds from 1`)
  // Checked as there, once for all.
  const whole = settingsFrom({ prefix }).prefix
  const runtime = systemRuntime
  const made = nodes.map((given, at) => new Node(connect(given, at, runtime), whole, runtime))
  for (const [at, { location }] of made.entries()) {
    const first = made.findIndex((other) => other.location === location)
    if (first < at) throw new TypeError(`nodes[${first}] and nodes[${at}] are the same server, ${location}`)
  }
  return new RedisQuorumBackend(new Quorum(made, nodeTimeout, runtime))
}

function connect(given: RedisQuorumNode, at: number, runtime: Runtime): Connection {
  const where = `nodes[${at}]`
  if (given === undefined || given === null)
    throw new TypeError(`${where} is ${given}: give a URL, a client or options`)
  try {
    const { prefix, connect } = settingsFrom(given)
    if (prefix !== DEFAULT_PREFIX)
      throw new TypeError('it has a prefix: that is given once for all, redisQuorumBackend(nodes, { prefix })')
    if (isSeveral(given))
      throw new TypeError('it is a Cluster or watched by Sentinels: each must be one server, independent of the others')
    return connect(runtime)
  } catch (error) {
    const { message } = error as Error
    throw error instanceof RangeError ? new RangeError(`${where}: ${message}`) : new TypeError(`${where}: ${message}`)
  }
}

/** Such a server's data come from another when it fails over: what they lack would not be noticed. */
function isSeveral(given: RedisQuorumNode): boolean {
  if (typeof given === 'string' || given instanceof URL) return /[?&](?:cluster=true|sentinel=)/.test(String(given))
  // A client has methods named after commands: `client` and `cluster` are among them.
  const { client, cluster, sentinels }: RedisBackendOptions = isClient(given) ? { client: given } : given
  if (cluster !== undefined || sentinels !== undefined) return true
  if (client === undefined) return false
  const { options, isCluster } = client as {
    readonly options?: { readonly sentinels?: unknown }
    readonly isCluster?: boolean
  }
  return isCluster === true || 'masters' in client || 'getSentinelNode' in client || Boolean(options?.sentinels)
}
