import { poll } from './poll.ts'
import { type RedisServer, startRedis } from './redis-binary.ts'
import type { Address } from './resp.ts'

const QUORUM = 2

export interface RedisSentinel {
  /** What the sentinels call the master. */
  readonly name: 'mymaster'
  /** The server that began as the master. */
  readonly master: RedisServer
  /** Those that began as its replicas. */
  readonly replicas: readonly RedisServer[]
  /** They can be paused and killed as any server, and restarted with data `kept`. */
  readonly sentinels: readonly RedisServer[]
  /** Where the first sentinel that answers says that the master is. */
  current(): Promise<Address>
  /**
   * Kills the present master. Resolves with the server that takes its place, once all sentinels that answer name it and it
   * says itself that it is a master. A killed one that is restarted becomes a replica.
   */
  failover(): Promise<RedisServer>
  /** Ends all servers. Idempotent. */
  stop(): Promise<void>
}

/**
 * A master with replicas in sync and sentinels that know of them and of each other. Two of these make a quorum. `downAfter`:
 * milliseconds after which a server that does not answer is replaced, default 1000.
 */
export async function startSentinel({
  replicas = 1,
  sentinels = 3,
  downAfter = 1_000,
}: {
  readonly replicas?: number
  readonly sentinels?: number
  readonly downAfter?: number
} = {}): Promise<RedisSentinel> {
  const servers: RedisServer[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()))
  }
  const startAll = (count: number, start: () => Promise<RedisServer>): Promise<RedisServer[]> =>
    Promise.all(
      Array.from({ length: count }, async () => {
        const server = await start()
        servers.push(server)
        return server
      }),
    )
  try {
    const fast = ['--repl-diskless-sync-delay', '0']
    const [master] = (await startAll(1, () => startRedis({ args: fast }))) as [RedisServer]
    const followers = await startAll(replicas, () =>
      startRedis({ args: [...fast, '--replicaof', master.host, `${master.port}`] }),
    )
    await poll('the replicas are in sync', async () => {
      const roles = await Promise.all(followers.map((replica) => replica.command('ROLE')))
      return roles.every((role) => `${role}`.includes(',connected,'))
    })
    const watchers = await startAll(sentinels, () =>
      startRedis({ args: ['--sentinel'], config: configFor(master, downAfter) }),
    )
    await poll('the sentinels know of everybody', async () => {
      const known = await Promise.all(watchers.map((sentinel) => aboutMaster(sentinel)))
      return known.every(
        (about) => about.get('num-slaves') === `${replicas}` && about.get('num-other-sentinels') === `${sentinels - 1}`,
      )
    })
    return group(master, followers, watchers, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

function configFor({ host, port }: Address, downAfter: number): readonly string[] {
  return [
    `sentinel monitor mymaster ${host} ${port} ${QUORUM}`,
    `sentinel down-after-milliseconds mymaster ${downAfter}`,
    'sentinel failover-timeout mymaster 2000',
  ]
}

function group(
  master: RedisServer,
  replicas: readonly RedisServer[],
  sentinels: readonly RedisServer[],
  stop: () => Promise<void>,
): RedisSentinel {
  const answers = async (): Promise<readonly Address[]> => {
    const named = await Promise.allSettled(sentinels.map((sentinel) => aboutMaster(sentinel)))
    return named.flatMap((answer) =>
      answer.status === 'fulfilled'
        ? [{ host: answer.value.get('ip') ?? '', port: Number(answer.value.get('port')) }]
        : [],
    )
  }
  const current = async (): Promise<Address> => {
    const [address] = await answers()
    if (address === undefined) throw new Error('no sentinel answers')
    return address
  }
  const failover = async (): Promise<RedisServer> => {
    const { port } = await current()
    const data = [master, ...replicas]
    const before = data.find((server) => server.port === port)
    await before?.kill()
    return await poll('another master', async () => {
      const named = await answers()
      const next = data.find((server) => server.port === named[0]?.port)
      if (next === undefined || next === before || named.some((address) => address.port !== next.port)) return false
      return `${await next.command('ROLE')}`.startsWith('master,') && next
    })
  }
  return { name: 'mymaster', master, replicas, sentinels, current, failover, stop }
}

async function aboutMaster(sentinel: RedisServer): Promise<ReadonlyMap<string, string>> {
  const about = (await sentinel.command('SENTINEL', 'MASTER', 'mymaster')) as readonly string[]
  return new Map(
    about.flatMap((name, index): [string, string][] => (index % 2 ? [] : [[name, about[index + 1] ?? '']])),
  )
}
