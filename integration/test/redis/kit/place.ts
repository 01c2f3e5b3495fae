import { startRedis } from '../../../servers/redis-binary.ts'
import { startCluster } from '../../../servers/redis-cluster.ts'
import { startSentinel } from '../../../servers/redis-sentinel.ts'
import type { Address } from '../../../servers/resp.ts'
import { startServer } from '../../../servers/start.ts'

/** What a target's servers are. `redis 8.0`: a version, wherever it can be had; `redis`: a process, which can be restarted. */
export type Topology = 'redis' | 'cluster' | 'sentinel' | `redis ${string}` | `valkey ${string}`

/** Where they are, for all processes of a test. */
export interface Place {
  /** Those that take locks. */
  readonly masters: readonly Address[]
  readonly sentinels: readonly Address[]
}

export interface Started {
  readonly place: Place
  /** Restarts the server with what it had stored, where that can be done. */
  readonly restart: (() => Promise<void>) | undefined
  stop(): Promise<void>
}

const addresses = (servers: readonly Address[]): Address[] => servers.map(({ host, port }) => ({ host, port }))

/** No server of theirs fails: one that is held up for a moment must not be replaced. */
const STEADY = 30_000

export async function startPlace(topology: Topology): Promise<Started> {
  if (topology === 'redis') {
    const server = await startRedis({ appendonly: true })
    const restart = (): Promise<void> => server.restart({ data: 'kept' })
    return { place: { masters: addresses([server]), sentinels: [] }, restart, stop: () => server.stop() }
  }
  if (topology === 'cluster') {
    const { nodes, stop } = await startCluster({ nodeTimeout: STEADY })
    return { place: { masters: addresses(nodes), sentinels: [] }, restart: undefined, stop }
  }
  if (topology === 'sentinel') {
    const { master, sentinels, stop } = await startSentinel({ downAfter: STEADY })
    const place = { masters: addresses([master]), sentinels: addresses(sentinels) }
    return { place, restart: undefined, stop }
  }
  const [kind, version] = topology.split(' ') as ['redis' | 'valkey', string]
  const server = await startServer(kind, version)
  return { place: { masters: addresses([server]), sentinels: [] }, restart: undefined, stop: () => server.stop() }
}
