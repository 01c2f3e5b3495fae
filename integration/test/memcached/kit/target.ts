import type { LockBackend } from '@locks/core'
import type { ConformanceTarget } from '@locks/core/conformance'
import { memcachedBackend } from '@locks/memcached'
import { ProxiedClients } from '../../../faults/proxied-clients.ts'
import type { Address } from '../../../servers/resp.ts'
import type { Server } from '../../../servers/server.ts'
import { startServer } from '../../../servers/start.ts'

/** Where the server is, for the processes that the kit starts: they inherit the environment. */
const PLACE = 'LOCKS_TEST_MEMCACHED_PLACE'

/** A target over a server of a version that is started for it. `given`: whether the backend gets a client of memjs. */
export async function memcachedTarget(
  module: string,
  version: string | undefined,
  given: 'servers' | 'client' = 'servers',
): Promise<ConformanceTarget> {
  let server: Server | undefined
  if (process.env[PLACE] === undefined) {
    server = await startServer('memcached', version)
    process.env[PLACE] = JSON.stringify({ host: server.host, port: server.port })
  }
  const place = JSON.parse(process.env[PLACE] ?? '') as Address
  const proxied = new ProxiedClients<LockBackend>(place)
  return {
    name: `memcached ${version ?? ''}, ${given}`,
    module,
    capabilities: memcachedBackend().capabilities,
    connect: async () => {
      const proxy = await proxied.connectThrough()
      const backend = given === 'servers' ? memcachedBackend(`${proxy.host}:${proxy.port}`) : await withClient(proxy)
      return proxied.bind(Object.assign(backend, { location: `${place.host}:${place.port}` }), proxy)
    },
    faults: proxied.faults,
    close: async () => {
      proxied.close()
      await server?.stop()
    },
  }
}

/** A client of a user's, which is not used itself. */
async function withClient({ host, port }: Address): Promise<LockBackend> {
  const { Client } = await import('memjs')
  const client = Client.create(`${host}:${port}`)
  return memcachedBackend(client as never)
}
