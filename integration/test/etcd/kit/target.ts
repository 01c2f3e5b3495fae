import type { LockBackend } from '@locks/core'
import type { ConformanceTarget } from '@locks/core/conformance'
import { etcdBackend } from '@locks/etcd'
import { ProxiedClients } from '../../../faults/proxied-clients.ts'
import { startEtcd } from '../../../servers/etcd-binary.ts'
import { startEtcdCluster } from '../../../servers/etcd-cluster.ts'
import type { Address } from '../../../servers/resp.ts'
import { startServer } from '../../../servers/start.ts'

/** `etcd`: a process of its own, which can be restarted; `etcd 3.5`: a version, wherever it can be had. */
export type Topology = 'etcd' | 'cluster' | `etcd ${string}`

/** Where the members are, for the processes that the kit starts: they inherit the environment. */
const PLACE = 'LOCKS_TEST_ETCD_PLACE'

/** What the servers here grant, by their election timeout; a version in a container has that of its default. */
const minTtlOf = (topology: Topology): number => (topology === 'etcd' || topology === 'cluster' ? 1_000 : 2_000)

interface Started {
  readonly members: readonly Address[]
  readonly restart: (() => Promise<void>) | undefined
  stop(): Promise<void>
}

const addresses = (servers: readonly Address[]): Address[] => servers.map(({ host, port }) => ({ host, port }))
const nameOf = ({ host, port }: Address): string => `${host}:${port}`

async function startMembers(topology: Topology): Promise<Started> {
  if (topology === 'etcd') {
    const server = await startEtcd()
    return { members: addresses([server]), restart: () => server.restart(), stop: () => server.stop() }
  }
  if (topology === 'cluster') {
    const { members, stop } = await startEtcdCluster()
    const restart = async (): Promise<void> => {
      await Promise.all(members.map((member) => member.restart()))
    }
    return { members: addresses(members), restart, stop }
  }
  const server = await startServer('etcd', topology.slice('etcd '.length))
  return { members: addresses([server]), restart: undefined, stop: () => server.stop() }
}

/**
 * A target over servers that are started for it. `client`: who connects, the backend itself or a client of the user's. A
 * module that exports one is imported again by the processes of the kit, and must do the same there.
 */
export async function etcdTarget(
  module: string,
  topology: Topology,
  client: 'own' | 'given' = 'own',
): Promise<ConformanceTarget> {
  let started: Started | undefined
  if (process.env[PLACE] === undefined) {
    started = await startMembers(topology)
    process.env[PLACE] = JSON.stringify(started.members)
  }
  const members = JSON.parse(process.env[PLACE] ?? '') as readonly Address[]
  const proxied = new ProxiedClients<LockBackend>(members[0] as Address)
  const minTtl = minTtlOf(topology)

  const connect = async (): Promise<LockBackend> => {
    const proxies = await Promise.all(members.map((member) => proxied.connectThrough(member)))
    const hosts = proxies.map(nameOf)
    const backend = client === 'own' ? etcdBackend({ hosts, minTtl }) : await withClient(hosts, minTtl)
    // It is the servers', whichever way leads there.
    return proxied.bind(Object.assign(backend, { location: members.map(nameOf).join(',') }), ...proxies)
  }
  const restart = started?.restart
  return {
    name: `${topology}, ${client}`,
    module,
    capabilities: etcdBackend({ minTtl }).capabilities,
    connect,
    ttl: minTtl,
    latency: 40,
    faults: { ...proxied.faults, ...(restart && { restart }) },
    close: async () => {
      proxied.close()
      await started?.stop()
    },
  }
}

/** A client of a user's, which the backend doesn't close. */
async function withClient(hosts: string[], minTtl: number): Promise<LockBackend> {
  const { Etcd3 } = await import('etcd3')
  const given = new Etcd3({ hosts })
  const backend = etcdBackend({ client: given, minTtl })
  const close = backend.close.bind(backend)
  let ended: Promise<void> | undefined
  return Object.assign(backend, {
    close: () => {
      ended ??= close().finally(() => given.close())
      return ended
    },
  })
}
