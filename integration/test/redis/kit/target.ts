import type { LockBackend } from '@locks/core'
import type { ConformanceTarget } from '@locks/core/conformance'
import { redisBackend } from '@locks/redis'
import { ProxiedClients } from '../../../faults/proxied-clients.ts'
import type { Address } from '../../../servers/resp.ts'
import { clients } from './clients.ts'
import { type Place, type Started, startPlace, type Topology } from './place.ts'

/** Where the servers are, for the processes that the kit starts: they inherit the environment. */
const PLACE = 'LOCKS_TEST_REDIS_PLACE'

const nameOf = ({ host, port }: Address): string => `${host}:${port}`

/**
 * A target over servers that are started for it. `client`: who connects; `own`: the backend itself, by a URL. A module that
 * exports one is imported again by the processes of the kit, and must do the same there.
 */
export async function redisTarget(
  module: string,
  topology: Topology,
  client: keyof typeof clients | 'own' = 'own',
): Promise<ConformanceTarget> {
  let started: Started | undefined
  if (process.env[PLACE] === undefined) {
    started = await startPlace(topology)
    process.env[PLACE] = JSON.stringify(started.place)
  }
  const { masters, sentinels } = JSON.parse(process.env[PLACE] ?? '') as Place
  const [main] = masters
  if (main === undefined) throw new Error('there is no server')
  const proxied = new ProxiedClients<LockBackend>(main)

  const connect = async (): Promise<LockBackend> => {
    const proxies = await Promise.all(masters.map((master) => proxied.connectThrough(master)))
    const reached = proxies.map(({ host, port }) => ({ host, port }))
    const map = Object.fromEntries(masters.map((master, at) => [nameOf(master), reached[at] ?? master]))
    const backend = await open(client, { masters: reached, sentinels, map })
    // It is the servers', whichever way leads there.
    const location = masters.map(nameOf).join(',')
    return proxied.bind(Object.assign(backend, { location }), ...proxies)
  }
  const restart = started?.restart
  return {
    name: `${topology}, ${client}`,
    // It can't be told not to keep a process up, and the kit's have to end by themselves.
    module: client === 'node-redis by Sentinel' ? undefined : module,
    capabilities: redisBackend().capabilities,
    connect,
    // Several of these targets are run at the same time: a machine that is this busy may stand still for a moment.
    ttl: 600,
    latency: 40,
    faults: { ...proxied.faults, ...(restart && { restart }) },
    close: async () => {
      proxied.close()
      await started?.stop()
    },
  }
}

async function open(client: keyof typeof clients | 'own', ways: Parameters<(typeof clients)['ioredis']>[0]) {
  if (client === 'own') return redisBackend(`redis://${nameOf(ways.masters[0] as Address)}`)
  const { client: given, end } = await clients[client](ways)
  const backend = redisBackend(given)
  const close = backend.close.bind(backend)
  let ended: Promise<void> | undefined
  return Object.assign(backend, {
    close: () => {
      ended ??= close().finally(end)
      return ended
    },
  })
}
