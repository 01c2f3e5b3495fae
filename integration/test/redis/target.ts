import type { LockBackend } from '@locks/core'
import type { ConformanceTarget } from '@locks/core/conformance'
import { redisBackend } from '@locks/redis'
import { ProxiedClients } from '../../faults/proxied-clients.ts'
import { type RedisServer, startRedis } from '../../servers/redis-binary.ts'

let server: RedisServer | undefined
if (process.env.LOCKS_TEST_REDIS === undefined) {
  server = await startRedis({ appendonly: true })
  process.env.LOCKS_TEST_REDIS = String(server.port)
}
const clients = new ProxiedClients<LockBackend>({ host: '127.0.0.1', port: Number(process.env.LOCKS_TEST_REDIS) })
const location = `127.0.0.1:${process.env.LOCKS_TEST_REDIS}`

export const target: ConformanceTarget = {
  name: 'redis',
  module: import.meta.url,
  capabilities: redisBackend().capabilities,
  connect: async () => {
    const proxy = await clients.connectThrough()
    const backend = redisBackend({ host: proxy.host, port: proxy.port })
    // It is the server's, whichever way leads there.
    return clients.bind(Object.assign(backend, { location }), proxy)
  },
  faults: { ...clients.faults, restart: () => server?.restart({ data: 'kept' }) },
  close: async () => {
    clients.close()
    await server?.stop()
  },
}
