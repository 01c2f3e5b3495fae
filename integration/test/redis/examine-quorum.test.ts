import type { Finding, LockBackend } from '@locks/core'
import { Lock } from '@locks/core'
import { type RedisQuorumNode, redisQuorumBackend } from '@locks/redis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import { type RedisOptions, type RedisServer, startRedis } from '../../servers/redis-binary.ts'

const TIMEOUT = 3_000

async function serve(count: number, options: RedisOptions = {}): Promise<RedisServer[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => startRedis({ appendonly: true, ...options })))
  onTestFinished(async () => void (await Promise.all(servers.map((server) => server.stop()))))
  return servers
}

function open(nodes: readonly RedisQuorumNode[]): LockBackend {
  const backend = redisQuorumBackend(nodes)
  onTestFinished(() => backend.close())
  return backend
}

const of = (servers: readonly RedisServer[], user: object = {}): LockBackend =>
  open(servers.map(({ host, port }) => ({ host, port, ...user })))

const findings = async (backend: LockBackend): Promise<readonly Finding[]> =>
  (await backend.examine?.({ timeout: TIMEOUT })) ?? expect.fail('it has nothing to examine')

const notOk = (found: readonly Finding[]): string[] =>
  found.flatMap(({ severity, subject, message }) => (severity === 'ok' ? [] : [`${severity} ${subject}: ${message}`]))

const nameOf = ({ host, port }: RedisServer): string => `${host}:${port}`

describe('a quorum', () => {
  test('of three servers that keep everything is no risk', async () => {
    const servers = await serve(3)
    const found = await findings(of(servers))
    expect(notOk(found)).toEqual([])
    expect(found[0]).toEqual({ severity: 'ok', subject: 'nodes', message: '3, of which 1 may fail' })
    for (const server of servers)
      expect(found).toContainEqual({
        severity: 'ok',
        subject: 'server',
        message: `${nameOf(server)}: Redis ${server.version}`,
      })
  })

  test('of two or four servers is a risk', async () => {
    const servers = await serve(4)
    expect(notOk(await findings(of(servers)))).toEqual([
      expect.stringMatching(/^risk nodes: 4, .* 1 may fail, as of 3/),
    ])
    expect(notOk(await findings(of(servers.slice(2))))).toEqual([expect.stringMatching(/^risk nodes: 2, of which all/)])
  })

  test('with one server twice is a risk', async () => {
    const [first, second] = (await serve(2)) as [RedisServer, RedisServer]
    const nodes = [`redis://localhost:${first.port}`, `redis://${nameOf(second)}`, `redis://${nameOf(first)}`]
    expect(notOk(await findings(open(nodes)))).toEqual([
      `risk independence: localhost:${first.port} and ${nameOf(first)} are one server, with two votes; drop one`,
    ])
  })

  test('with one replicating another is a risk', async () => {
    const [first, second, third] = (await serve(3)) as [RedisServer, RedisServer, RedisServer]
    await second.command('REPLICAOF', first.host, first.port)
    await poll('it is a replica', async () => `${await second.command('ROLE')}`.includes(',connected,'))
    expect(notOk(await findings(of([first, second, third])))).toEqual([
      expect.stringMatching(`^risk replicas: ${nameOf(first)}: 1 replica`),
      expect.stringMatching(`^risk replicas: ${nameOf(second)}: this is a replica of ${nameOf(first)}`),
    ])
  })

  test('tells who is down; without a majority it is not examined', async () => {
    const servers = (await serve(3)) as [RedisServer, RedisServer, RedisServer]
    const backend = of(servers)
    await servers[1].kill()
    expect(notOk(await findings(backend))).toEqual([
      expect.stringMatching(`^risk server: ${nameOf(servers[1])}: not reached: .*ECONNREFUSED`),
    ])
    await servers[2].kill()
    await expect(backend.examine?.({ timeout: TIMEOUT })).rejects.toThrow('1 of 3 servers could be counted on')
  })
})

describe('a node', () => {
  test('has to keep everything or nothing', async () => {
    const servers = (await serve(3)) as [RedisServer, RedisServer, RedisServer]
    const [first] = servers
    const backend = of(servers)
    const set = (...settings: readonly string[]) => first.command('CONFIG', 'SET', ...settings)
    await set('appendfsync', 'everysec')
    expect(notOk(await findings(backend))).toEqual([
      expect.stringMatching(`^risk persistence: ${nameOf(first)}: appendfsync is everysec`),
    ])
    await set('appendonly', 'no')
    expect(notOk(await findings(backend))).toEqual([])
    await set('save', '60 1')
    expect(notOk(await findings(backend))).toEqual([
      expect.stringMatching(`^risk persistence: ${nameOf(first)}: snapshots are kept \\(save 60 1\\)`),
    ])
  })

  test('need not let its user send messages, but is to tell of itself', async () => {
    const servers = (await serve(3)) as [RedisServer, RedisServer, RedisServer]
    const backend = of(servers, { username: 'someone', password: 'secret' })
    const allow = async (...permissions: readonly string[]): Promise<void> => {
      for (const server of servers)
        await server.command('ACL', 'SETUSER', 'someone', 'reset', 'on', '>secret', '~locks:*', ...permissions)
    }
    await allow('+@all', '-@pubsub')
    expect(notOk(await findings(backend))).toEqual([])
    await allow('+@all', '-ping')
    expect(notOk(await findings(backend))).toEqual(
      servers.map((server) =>
        expect.stringMatching(`^risk commands: ${nameOf(server)}: .*PING.* this user [^&]* ~locks:\\*$`),
      ),
    )
    await allow('+@all', '-config')
    expect(notOk(await findings(backend))).toEqual(
      servers.map((server) => expect.stringMatching(`^unknown persistence: ${nameOf(server)}: CONFIG is refused`)),
    )
    for (const server of servers) await server.command('CONFIG', 'SET', 'appendonly', 'no')
    expect(notOk(await findings(backend))).toEqual(
      servers.map((server) => expect.stringMatching(`^unknown persistence: ${nameOf(server)}: .* unless save is ""`)),
    )
    await allow('+@all', '-info')
    expect(notOk(await findings(backend))).toEqual([
      expect.stringMatching(/^unknown independence: /),
      ...servers.map((server) => expect.stringMatching(`^unknown server: ${nameOf(server)}: INFO is refused`)),
    ])
  })

  test('whose clock was set while it was watched is a risk', async () => {
    const servers = [...(await serve(2)), ...(await serve(1, { faketime: true }))] as const
    const [, , stepped] = servers as unknown as [RedisServer, RedisServer, RedisServer]
    const backend = of(servers)
    await using _ = await new Lock('mine', { backend, ttl: 60_000 }).acquire()
    expect(notOk(await findings(backend))).toEqual([])
    stepped.stepClock(5_000)
    await poll('it is noticed', async () => notOk(await findings(backend)).length > 0)
    expect(notOk(await findings(backend))).toEqual([expect.stringMatching(`^risk clock steps: ${nameOf(stepped)}: `)])
  })
})
