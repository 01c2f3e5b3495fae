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

/** What is the same of each kind of client. */
const common = (client: { duplicate(): unknown }) => ({
  keyPrefix: '',
  missingPrefix: prefixOf(client),
  subscribe: (channel: string, heard: (message: string) => void, gap: () => void): Subscription =>
    subscribe(client.duplicate(), channel, heard, gap),
  close: (): void => {
    // The client is the user's.
  },
})

/** Over a client made by `createClient`. */
export function overClient(client: NodeRedisLike): Connection {
  const { options = {} } = client as {
    readonly options?: { readonly url?: string; readonly database?: number; readonly socket?: Node & { path?: string } }
  }
  const url = options.url === undefined ? undefined : new URL(options.url)
  const { path, host = url?.hostname || 'localhost', port = Number(url?.port || 6379) } = options.socket ?? {}
  const db = options.database ?? Number(url?.pathname.slice(1) || 0)
  const send: Send = (command, args) => client.sendCommand([command, ...args])
  return {
    ...common(client),
    location: `${path ?? `${host}:${port}`}${db === 0 ? '' : `/${db}`}`,
    single: true,
    send: (_key, command, args) => send(command, args),
    serverOf: () => '',
    line: () => client,
    masters: () => Promise.resolve([send]),
  }
}

/** Over a client made by `createCluster`. */
export function overCluster(client: NodeRedisClusterLike): Connection {
  const { _options } = client as unknown as {
    readonly _options?: { readonly rootNodes?: readonly { readonly url?: string; readonly socket?: Node }[] }
  }
  const roots = (_options?.rootNodes ?? []).map(({ url, socket }) =>
    url === undefined ? address(socket ?? {}) : url.replace(/^.*@/, '').replace(/^rediss?:\/\//, ''),
  )
  const whole = client as NodeRedisClusterLike & {
    readonly slots?: readonly ({ readonly master: Node } | undefined)[]
    nodeClient?(node: unknown): Promise<NodeRedisLike>
  }
  return {
    ...common(client),
    location: roots.sort().join(',') || 'a cluster',
    single: false,
    send: (key, command, args) => client.sendCommand(key, false, [command, ...args]),
    serverOf: (key) => {
      const master = whole.slots?.[slotOf(key)]?.master
      return master === undefined ? '' : address(master)
    },
    line: () => client,
    masters: async () => {
      const nodes = await Promise.all(client.masters.map((node) => whole.nodeClient?.(node)))
      return nodes.flatMap((node): Send[] =>
        node === undefined ? [] : [(command, args) => node.sendCommand([command, ...args])],
      )
    },
  }
}

/** Over a client made by `createSentinel`. */
export function overSentinel(client: NodeRedisSentinelLike): Connection {
  const { options = {} } = client as {
    readonly options?: { readonly name?: string; readonly sentinelRootNodes?: readonly Node[] }
  }
  const send: Send = (command, args) => client.sendCommand(false, [command, ...args])
  return {
    ...common(client),
    location: `${options.name} of ${(options.sentinelRootNodes ?? []).map(address).sort().join(',')}`,
    single: true,
    send: (_key, command, args) => send(command, args),
    serverOf: () => '',
    // What was left unanswered is sent to the next master.
    line: () => undefined,
    masters: () => Promise.resolve([send]),
  }
}
