import type { LockBackend } from '@locks/core'
import type { ConformanceTarget } from '@locks/core/conformance'
import { redisQuorumBackend } from '@locks/redis'
import { ProxiedClients } from '../../faults/proxied-clients.ts'
import { type RedisServer, startRedis } from '../../servers/redis-binary.ts'

/** How many servers, for whoever loads this module first; `LOCKS_TEST_QUORUM` has their ports for the others. */
const SERVERS = Number(process.env.LOCKS_TEST_QUORUM_SERVERS ?? 3)

let servers: readonly RedisServer[] = []
if (process.env.LOCKS_TEST_QUORUM === undefined) {
  servers = await Promise.all(Array.from({ length: SERVERS }, () => startRedis({ appendonly: true })))
  process.env.LOCKS_TEST_QUORUM = servers.map(({ port }) => port).join(',')
}
const addresses = process.env.LOCKS_TEST_QUORUM.split(',').map((port) => ({ host: '127.0.0.1', port: Number(port) }))
const clients = new ProxiedClients<LockBackend>({ host: '127.0.0.1', port: 0 })
const location = addresses.map(({ host, port }) => `${host}:${port}`).join(',')

export const target: ConformanceTarget = {
  name: `redis-quorum of ${addresses.length}`,
  module: import.meta.url,
  capabilities: redisQuorumBackend(['redis://127.0.0.1']).capabilities,
  ttl: 800,
  latency: 40,
  connect: async () => {
    const proxies = await Promise.all(addresses.map((address) => clients.connectThrough(address)))
    const backend = redisQuorumBackend(proxies.map(({ host, port }) => ({ host, port })))
    // It is the servers', whichever way leads there.
    return clients.bind(Object.assign(backend, { location }), ...proxies)
  },
  faults: {
    ...clients.faults,
    restart: async () => void (await Promise.all(servers.map((server) => server.restart({ data: 'kept' })))),
  },
  close: async () => {
    clients.close()
    await Promise.all(servers.map((server) => server.stop()))
  },
}
