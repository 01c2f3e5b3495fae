import type { Connection, Send, Subscription } from './connection.ts'
import { slotOf } from './slot.ts'

/** What is used of an ioredis or iovalkey client: `Redis` or `Cluster`. */
export interface IoredisLike {
  call(command: string, args: (string | Buffer | number)[]): Promise<unknown>
  on(event: string, listener: (...args: unknown[]) => void): unknown
  subscribe(...channels: string[]): Promise<unknown>
  disconnect(reconnect?: boolean): void
}

/** What such a client has beyond that, by whether it is a `Cluster`. */
interface Standalone extends IoredisLike {
  readonly options?: {
    readonly host?: string
    readonly port?: number
    readonly path?: string
    readonly db?: number
    readonly name?: string
    readonly sentinels?: readonly { readonly host?: string; readonly port?: number }[] | null
    readonly keyPrefix?: string | Buffer
  }
  readonly stream?: unknown
  duplicate(override: object): Standalone
}

interface Cluster extends IoredisLike {
  readonly options?: { readonly keyPrefix?: string | Buffer }
  readonly slots?: readonly (readonly string[])[]
  readonly startupNodes?: readonly unknown[]
  nodes(role: 'master'): IoredisLike[]
}

/** A socket or timer that may be told not to keep the process up. */
interface Unrefable {
  unref?(): unknown
}

const isCluster = (client: IoredisLike): client is Cluster => 'isCluster' in client && client.isCluster === true

/** A connection for messages waits out every outage, and notices by a probe that nobody is at the other end. */
const FOR_MESSAGES = {
  lazyConnect: true,
  maxRetriesPerRequest: null,
  enableOfflineQueue: true,
  enableAutoPipelining: false,
  autoResubscribe: true,
  commandTimeout: undefined,
  socketTimeout: 5_000,
  keyPrefix: '',
  retryStrategy: (attempt: number): number => Math.min(50 * attempt, 1_000),
}

/** How long it takes until another master is tried, in milliseconds. */
const NEXT_MASTER = 100

const noop = (): void => undefined

/** Keeps a client that nobody else knows of from keeping the process up, connected or between two attempts. */
export function unref(client: IoredisLike): void {
  const own = client as { readonly stream?: Unrefable; readonly reconnectTimeout?: Unrefable | null }
  client.on('connect', () => own.stream?.unref?.())
  client.on('reconnecting', () => own.reconnectTimeout?.unref?.())
  client.on('+node', ((node: IoredisLike) => unref(node)) as () => void)
}

export class IoredisConnection implements Connection {
  readonly location: string
  readonly single: boolean
  readonly keyPrefix: string
  readonly #client: IoredisLike

  constructor(client: IoredisLike) {
    this.#client = client
    this.location = locationOf(client)
    this.single = !isCluster(client)
    this.keyPrefix = String((client as Standalone | Cluster).options?.keyPrefix ?? '')
  }

  send(_key: string, command: string, args: string[]): Promise<unknown> {
    // In lower case: only so do all versions find the keys in the arguments, for their prefix and slot.
    return this.#client.call(command, args)
  }

  serverOf(key: string): string {
    const client = this.#client
    return isCluster(client) ? (client.slots?.[slotOf(this.keyPrefix + key)]?.[0] ?? '') : ''
  }

  line(): unknown {
    const client = this.#client
    return isCluster(client) ? undefined : (client as Standalone).stream
  }

  masters(): Promise<readonly Send[]> {
    const client = this.#client
    const nodes = isCluster(client) ? client.nodes('master') : [client]
    return Promise.resolve(nodes.map((node) => (command, args) => node.call(command, [...args])))
  }

  subscribe(channel: string, heard: (message: string) => void, gap: () => void): Subscription {
    const client = this.#client
    if (isCluster(client)) return subscribeAtCluster(client, channel, heard, gap)
    const own = listener(client as Standalone, FOR_MESSAGES, channel, heard)
    own.on('ready', gap)
    return {
      ready: own.subscribe(channel),
      probe: () => void own.call('ping', []).catch(noop),
      close: () => own.disconnect(),
    }
  }

  close(): void {
    // The client is the user's.
  }
}

function listener(client: Standalone, options: object, channel: string, heard: (message: string) => void): Standalone {
  const own = client.duplicate(options)
  unref(own)
  // Errors come with what was asked; those in between are mended by connecting again.
  own.on('error', noop)
  own.on('message', ((from: string, message: string) => {
    if (from === channel) heard(message)
  }) as () => void)
  return own
}

/**
 * A Cluster passes each message on to all of its nodes, so one connection to any master hears them all. When that one is
 * lost, the next master's turn comes: the node may be gone for good.
 */
function subscribeAtCluster(
  client: Cluster,
  channel: string,
  heard: (message: string) => void,
  gap: () => void,
): Subscription {
  let own: Standalone | undefined
  let timer: NodeJS.Timeout | undefined
  let turn = Math.floor(Math.random() * 16_384)
  let closed = false
  const open = async (): Promise<unknown> => {
    const masters = client.nodes('master')
    const master = masters[turn % masters.length]
    if (master === undefined) throw new Error('no master of the Cluster is known')
    turn += 1
    own = listener(master as Standalone, { ...FOR_MESSAGES, retryStrategy: null }, channel, heard)
    own.on('end', () => {
      own = undefined
      reopen()
    })
    return own.subscribe(channel)
  }
  const reopen = (): void => {
    if (closed || timer !== undefined) return
    timer = setTimeout(() => {
      timer = undefined
      open().then(gap, () => (own === undefined ? reopen() : own.disconnect()))
    }, NEXT_MASTER)
    timer.unref()
  }
  return {
    ready: open(),
    probe: () => void own?.call('ping', []).catch(noop),
    close: () => {
      closed = true
      clearTimeout(timer)
      own?.disconnect()
    },
  }
}

function locationOf(client: IoredisLike): string {
  if (isCluster(client)) return (client.startupNodes ?? []).map(nodeName).sort().join(',')
  const { sentinels, name, path, host = 'localhost', port = 6379, db = 0 } = (client as Standalone).options ?? {}
  const at = sentinels ? `${name} of ${sentinels.map(nodeName).sort().join(',')}` : (path ?? `${host}:${port}`)
  return db === 0 ? at : `${at}/${db}`
}

/** A startup node is a port, a URL or an object. */
function nodeName(node: unknown): string {
  if (typeof node === 'number') return `localhost:${node}`
  if (typeof node === 'string') return node.replace(/^.*@/, '').replace(/^rediss?:\/\//, '')
  const { host = 'localhost', port = 6379 } = node as { readonly host?: string; readonly port?: number }
  return `${host}:${port}`
}
