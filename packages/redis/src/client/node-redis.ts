import type { Connection, Send, Subscription } from './connection.ts'
import { slotOf } from './slot.ts'

/** What is used of a client made by `createClient` of node-redis. */
export interface NodeRedisLike {
  sendCommand(args: readonly string[]): Promise<unknown>
  duplicate(): unknown
}

/** What is used of a client made by its `createCluster`. */
export interface NodeRedisClusterLike {
  sendCommand(firstKey: string | undefined, isReadonly: boolean | undefined, args: string[]): Promise<unknown>
  duplicate(): unknown
  readonly masters: readonly unknown[]
}

/** What is used of a client made by its `createSentinel`. */
export interface NodeRedisSentinelLike {
  sendCommand(isReadonly: boolean | undefined, args: string[]): Promise<unknown>
  duplicate(): unknown
  getSentinelNode(): unknown
}

/** A client of our own, made by `duplicate`: of each kind, this much is the same. */
interface Own {
  on(event: string, listener: () => void): unknown
  connect(): Promise<unknown>
  subscribe(channel: string, listener: (message: string) => void): Promise<void>
  destroy(): void
  unref?(): void
  ping?(): Promise<unknown>
  readonly nodeByAddress?: ReadonlyMap<string, { readonly client?: Own }>
  readonly pubSubNode?: { readonly client?: Own }
}

interface Node {
  readonly host?: string
  readonly port?: number
  readonly address?: string
}

/** Its `keyPrefix` is for the commands that it has methods for, not for those that are sent as they are. */
function prefixOf(client: object): string {
  const { _keyPrefix, options } = client as {
    readonly _keyPrefix?: string | Buffer
    readonly options?: { readonly keyPrefix?: string | Buffer }
  }
  return String(_keyPrefix ?? options?.keyPrefix ?? '')
}

const noop = (): void => undefined
const address = ({ address: given, host, port }: Node): string => given ?? `${host}:${port}`

/** Subscribes over a duplicate of the user's client. */
function subscribe(
  duplicate: unknown,
  channel: string,
  heard: (message: string) => void,
  gap: () => void,
): Subscription {
  const own = duplicate as Own
  const unref = (): void => {
    const nodes = [...(own.nodeByAddress?.values() ?? [])]
    for (const part of [own, own.pubSubNode?.client, ...nodes.map(({ client }) => client)]) part?.unref?.()
  }
  own.on('error', noop)
  own.on('ready', gap)
  const ready = own.connect().then(() => own.subscribe(channel, heard))
  ready.then(unref, noop)
  return { ready, probe: () => void own.ping?.().catch(noop), close: () => own.destroy() }
}

export class NodeRedisConnection implements Connection {
  readonly location: string
  readonly single: boolean = true
  readonly keyPrefix: string = ''
  readonly missingPrefix: string
  readonly #client: NodeRedisLike

  constructor(client: NodeRedisLike) {
    this.#client = client
    this.missingPrefix = prefixOf(client)
    const { options = {} } = client as {
      readonly options?: {
        readonly url?: string
        readonly database?: number
        readonly socket?: Node & { path?: string }
      }
    }
    const url = options.url === undefined ? undefined : new URL(options.url)
    const { path, host = url?.hostname || 'localhost', port = Number(url?.port || 6379) } = options.socket ?? {}
    const db = options.database ?? Number(url?.pathname.slice(1) || 0)
    this.location = `${path ?? `${host}:${port}`}${db === 0 ? '' : `/${db}`}`
  }

  send(_key: string, command: string, args: readonly string[]): Promise<unknown> {
    return this.#client.sendCommand([command, ...args])
  }

  serverOf(): string {
    return ''
  }

  line(): unknown {
    return this
  }

  masters(): Promise<readonly Send[]> {
    return Promise.resolve([(command, args) => this.#client.sendCommand([command, ...args])])
  }

  subscribe(channel: string, heard: (message: string) => void, gap: () => void): Subscription {
    return subscribe(this.#client.duplicate(), channel, heard, gap)
  }

  close(): void {
    // The client is the user's.
  }
}

export class NodeRedisClusterConnection implements Connection {
  readonly location: string
  readonly single: boolean = false
  readonly keyPrefix: string = ''
  readonly missingPrefix: string
  readonly #client: NodeRedisClusterLike & {
    readonly slots?: readonly ({ readonly master: Node } | undefined)[]
    nodeClient?(node: unknown): Promise<NodeRedisLike>
  }

  constructor(client: NodeRedisClusterLike) {
    this.#client = client
    this.missingPrefix = prefixOf(client)
    const { _options } = client as { readonly _options?: { readonly rootNodes?: readonly { url?: string }[] } }
    const roots = (_options?.rootNodes ?? []).map(({ url = '' }) =>
      url.replace(/^.*@/, '').replace(/^rediss?:\/\//, ''),
    )
    this.location = roots.sort().join(',') || 'a cluster'
  }

  send(key: string, command: string, args: readonly string[]): Promise<unknown> {
    return this.#client.sendCommand(key, false, [command, ...args])
  }

  serverOf(key: string): string {
    const master = this.#client.slots?.[slotOf(key)]?.master
    return master === undefined ? '' : address(master)
  }

  line(): unknown {
    return this
  }

  async masters(): Promise<readonly Send[]> {
    const { masters } = this.#client
    const nodes = await Promise.all(masters.map((node) => this.#client.nodeClient?.(node)))
    return nodes.flatMap((node): Send[] =>
      node === undefined ? [] : [(command, args) => node.sendCommand([command, ...args])],
    )
  }

  subscribe(channel: string, heard: (message: string) => void, gap: () => void): Subscription {
    return subscribe(this.#client.duplicate(), channel, heard, gap)
  }

  close(): void {
    // The client is the user's.
  }
}

export class NodeRedisSentinelConnection implements Connection {
  readonly location: string
  readonly single: boolean = true
  readonly keyPrefix: string = ''
  readonly missingPrefix: string
  readonly #client: NodeRedisSentinelLike

  constructor(client: NodeRedisSentinelLike) {
    this.#client = client
    this.missingPrefix = prefixOf(client)
    const { options = {} } = client as {
      readonly options?: { readonly name?: string; readonly sentinelRootNodes?: readonly Node[] }
    }
    this.location = `${options.name} of ${(options.sentinelRootNodes ?? []).map(address).sort().join(',')}`
  }

  send(_key: string, command: string, args: readonly string[]): Promise<unknown> {
    return this.#client.sendCommand(false, [command, ...args])
  }

  serverOf(): string {
    return ''
  }

  line(): unknown {
    // What was left unanswered is sent to the next master.
    return undefined
  }

  masters(): Promise<readonly Send[]> {
    return Promise.resolve([(command, args) => this.#client.sendCommand(false, [command, ...args])])
  }

  subscribe(channel: string, heard: (message: string) => void, gap: () => void): Subscription {
    return subscribe(this.#client.duplicate(), channel, heard, gap)
  }

  close(): void {
    // The client is the user's.
  }
}
