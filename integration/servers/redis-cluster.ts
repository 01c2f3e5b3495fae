import { poll } from './poll.ts'
import { onFreePorts } from './port.ts'
import { type RedisServer, startRedis } from './redis-binary.ts'

const SLOTS = 16_384

export interface RedisCluster {
  /** Masters, each of as many slots as the others, in the order of their slots. */
  readonly nodes: readonly RedisServer[]
  /** The node that stores a key. */
  ownerOf(key: string): Promise<RedisServer>
  /** Ends all nodes. Idempotent. */
  stop(): Promise<void>
}

/** A Cluster whose nodes know each other and accept commands. `nodeTimeout` in milliseconds, default 5000. */
export async function startCluster({
  masters = 3,
  nodeTimeout = 5_000,
}: {
  readonly masters?: number
  readonly nodeTimeout?: number
} = {}): Promise<RedisCluster> {
  const started = await Promise.allSettled(Array.from({ length: masters }, () => startNode(nodeTimeout)))
  const nodes = started.flatMap((node) => (node.status === 'fulfilled' ? [node.value.server] : []))
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()))
  }
  try {
    const members = started.map((node) => {
      if (node.status === 'rejected') throw node.reason
      return node.value
    })
    await join(members)
  } catch (error) {
    await stop()
    throw error
  }
  const ownerOf = async (key: string): Promise<RedisServer> => {
    const slot = Number(await nodes[0]?.command('CLUSTER', 'KEYSLOT', key))
    const owner = nodes.find((_, index) => slot < firstSlot(index + 1, masters))
    if (owner === undefined) throw new Error(`nobody owns slot ${slot}`)
    return owner
  }
  return { nodes, ownerOf, stop }
}

interface Member {
  readonly server: RedisServer
  readonly busPort: number
}

function startNode(nodeTimeout: number): Promise<Member> {
  return onFreePorts(async (port, busPort) => {
    const args = ['--cluster-enabled', 'yes', '--cluster-port', `${busPort}`]
    return { server: await startRedis({ port, args: [...args, '--cluster-node-timeout', `${nodeTimeout}`] }), busPort }
  })
}

async function join(members: readonly Member[]): Promise<void> {
  const [first] = members
  if (first === undefined) throw new RangeError('a cluster has at least one master')
  for (const [index, { server }] of members.entries()) {
    // Nodes that begin with the same epoch have to sort that out first.
    await server.command('CLUSTER', 'SET-CONFIG-EPOCH', index + 1)
    const last = firstSlot(index + 1, members.length) - 1
    await server.command('CLUSTER', 'ADDSLOTSRANGE', firstSlot(index, members.length), last)
    if (index > 0) await server.command('CLUSTER', 'MEET', first.server.host, first.server.port, first.busPort)
  }
  await poll('the cluster is formed', async () => {
    const states = await Promise.all(members.map(({ server }) => server.command('CLUSTER', 'INFO')))
    const isWhole = (state: unknown): boolean =>
      `${state}`.includes('cluster_state:ok') && `${state}`.includes(`cluster_known_nodes:${members.length}\r`)
    return states.every(isWhole)
  })
}

function firstSlot(index: number, masters: number): number {
  return Math.floor((index * SLOTS) / masters)
}
