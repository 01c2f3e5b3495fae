import type { RedisClient } from '@locks/redis'
import type { Cluster, Redis } from 'ioredis'
import type { Redis as Valkey } from 'iovalkey'
import type { Address } from '../../../servers/resp.ts'

/** The servers as one client reaches them. */
export interface Ways {
  readonly masters: readonly Address[]
  readonly sentinels: readonly Address[]
  /** What to take for the address that a server gives for itself: `127.0.0.1:7000`. */
  readonly map: Readonly<Record<string, Address>>
}

/** A client of a user's: the backend doesn't close it. */
export interface Opened {
  readonly client: RedisClient
  end(): unknown
}

const NAME = 'mymaster'
const noop = (): void => undefined
const first = ({ masters: [one] }: Ways): Address => one as Address

interface Unrefable {
  readonly stream?: { unref?(): unknown }
  on(event: string, listener: (...args: never[]) => void): unknown
}

/** The kit asks whether the backend keeps a process up; that a user's client would is the user's choice. */
function unref(client: Unrefable): void {
  client.on('connect', () => client.stream?.unref?.())
  client.on('+node', ((node: Unrefable) => unref(node)) as () => void)
}

function ofIoredis(client: Redis | Cluster | Valkey): Opened {
  const events = client as Unrefable
  events.on('error', noop)
  unref(events)
  return { client, end: () => client.disconnect() }
}

// A library is loaded where it is used: the kit starts many processes, each of which would load them all.
export const clients = {
  ioredis: async (ways: Ways): Promise<Opened> => {
    const { Redis } = await import('ioredis')
    return ofIoredis(new Redis({ ...first(ways) }))
  },
  'ioredis with a prefix and a database': async (ways: Ways): Promise<Opened> => {
    const { Redis } = await import('ioredis')
    return ofIoredis(new Redis({ ...first(ways), keyPrefix: 'app:', db: 3 }))
  },
  iovalkey: async (ways: Ways): Promise<Opened> => {
    const { Redis } = await import('iovalkey')
    return ofIoredis(new Redis({ ...first(ways) }))
  },
  'ioredis Cluster': async ({ masters, map }: Ways): Promise<Opened> => {
    const { Cluster } = await import('ioredis')
    return ofIoredis(new Cluster([...masters], { natMap: map }))
  },
  'ioredis by Sentinel': async ({ sentinels, map }: Ways): Promise<Opened> => {
    const { Redis } = await import('ioredis')
    return ofIoredis(new Redis({ sentinels: [...sentinels], name: NAME, natMap: map }))
  },
  'node-redis': async (ways: Ways): Promise<Opened> => {
    const { createClient } = await import('redis')
    const client = createClient({ socket: { ...first(ways) } })
    await client.on('error', noop).connect()
    client.unref()
    return { client, end: () => client.destroy() }
  },
  'node-redis Cluster': async ({ masters, map }: Ways): Promise<Opened> => {
    const { createCluster } = await import('redis')
    // It writes into the root nodes' options: those of the map must be others.
    const rootNodes = masters.map(({ host, port }) => ({ socket: { host, port } }))
    const client = createCluster({ rootNodes, nodeAddressMap: map })
    await client.on('error', noop).connect()
    for (const node of client.nodeByAddress.values()) node.client?.unref()
    return { client, end: () => client.destroy() }
  },
  'node-redis by Sentinel': async ({ sentinels, map }: Ways): Promise<Opened> => {
    const { createSentinel } = await import('redis')
    const client = createSentinel({ name: NAME, sentinelRootNodes: [...sentinels], nodeAddressMap: map })
    await client.on('error', noop).connect()
    return { client, end: () => client.destroy() }
  },
}
