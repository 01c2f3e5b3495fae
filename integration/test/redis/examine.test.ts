import type { Finding, LockBackend } from '@locks/core'
import { Lock } from '@locks/core'
import { type RedisBackendOptions, redisBackend } from '@locks/redis'
import { Redis as Iovalkey } from 'iovalkey'
import { createClient } from 'redis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import { type RedisOptions, type RedisServer, startRedis } from '../../servers/redis-binary.ts'
import { startCluster } from '../../servers/redis-cluster.ts'
import { startSentinel } from '../../servers/redis-sentinel.ts'

const TIMEOUT = 3_000

async function serve(options: RedisOptions = {}): Promise<RedisServer> {
  const server = await startRedis({ appendonly: true, ...options })
  onTestFinished(() => server.stop())
  return server
}

function open(options: RedisBackendOptions): LockBackend {
  const backend = redisBackend(options)
  onTestFinished(() => backend.close())
  return backend
}

const backendOf = ({ port }: RedisServer, options: RedisBackendOptions = {}): LockBackend => open({ port, ...options })

async function findings(backend: LockBackend): Promise<readonly Finding[]> {
  return (await backend.examine?.({ timeout: TIMEOUT })) ?? expect.fail('it has nothing to examine')
}

/** `risk appendonly is no: …` for each finding about something. */
async function about(backend: LockBackend, subject: string): Promise<readonly string[]> {
  return (await findings(backend)).flatMap((one) => (one.subject === subject ? [`${one.severity} ${one.message}`] : []))
}

const risks = (found: readonly Finding[]): readonly string[] =>
  found.flatMap(({ severity, subject }) => (severity === 'risk' ? [subject] : []))

const unseen = (found: readonly Finding[]): readonly string[] =>
  found.flatMap(({ severity, subject }) => (severity === 'unknown' ? [subject] : []))

describe('a server', () => {
  test('that keeps everything, alone, is no risk, and nothing is unknown', async () => {
    const server = await serve()
    const found = await findings(backendOf(server))
    expect(found.filter(({ severity }) => severity !== 'ok')).toEqual([])
    expect(found).toContainEqual({ severity: 'ok', subject: 'server', message: `Redis ${server.version}` })
    expect(found.map(({ subject }) => subject)).toEqual(
      expect.arrayContaining(['commands', 'persistence', 'eviction', 'memory', 'connections', 'clock', 'latency']),
    )
  })

  test('is left as it was', async () => {
    const server = await serve()
    await server.command('SET', 'locks:{:mine}', 'as it was')
    await findings(backendOf(server))
    expect(await server.command('DBSIZE')).toBe(1)
    expect(await server.command('PUBSUB', 'NUMPAT')).toBe(0)
  })

  test('that forgets is a risk', async () => {
    const server = await serve({ appendonly: false })
    const backend = backendOf(server)
    expect(await about(backend, 'persistence')).toEqual([expect.stringMatching(/^risk appendonly is no/)])
    await server.command('CONFIG', 'SET', 'appendonly', 'yes', 'appendfsync', 'everysec')
    expect(await about(backend, 'persistence')).toEqual([expect.stringMatching(/^risk appendfsync is everysec/)])
    await server.command('CONFIG', 'SET', 'appendfsync', 'always')
    expect(await about(backend, 'persistence')).toEqual([expect.stringMatching(/^ok/)])
  })

  test('that evicts, or is nearly full, is a risk', async () => {
    const server = await serve()
    const backend = backendOf(server)
    await server.command('CONFIG', 'SET', 'maxmemory', '1gb', 'maxmemory-policy', 'allkeys-lru')
    expect(risks(await findings(backend))).toEqual(['eviction'])
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    expect(risks(await findings(backend))).toEqual([])
    const used = /used_memory:(\d+)/.exec(String(await server.command('INFO', 'memory')))?.[1]
    await server.command('CONFIG', 'SET', 'maxmemory', Number(used) + 65_536)
    expect(risks(await findings(backend))).toEqual(['memory'])
    await server.command('CONFIG', 'SET', 'maxmemory', 1_000)
    expect(risks(await findings(backend))).toEqual(['memory'])
  })

  test('that turns clients away soon is a risk; that it closes idle connections is said', async () => {
    const server = await serve({ args: ['--maxclients', '10', '--timeout', '77'] })
    const backend = backendOf(server)
    expect(await about(backend, 'connections')).toEqual([expect.stringMatching(/^ok .* closed after 77 s/)])
    const others = Array.from({ length: 8 }, () => new Iovalkey(server.port))
    onTestFinished(() => others.forEach((other) => void other.disconnect()))
    await Promise.all(others.map((other) => other.ping()))
    expect(await about(backend, 'connections')).toEqual([expect.stringMatching(/^risk .* of at most 10/)])
  })

  test('whose clock is wrong is a risk, and so is one that was set while it was watched', async () => {
    const server = await serve({ faketime: true })
    const backend = backendOf(server)
    await backend.inspect({ key: { namespace: '', name: 'a', id: ':a' }, timeout: TIMEOUT })
    expect(risks(await findings(backend))).toEqual([])
    server.stepClock(3_600_000)
    await backend.inspect({ key: { namespace: '', name: 'a', id: ':a' }, timeout: TIMEOUT })
    expect(await about(backend, 'clock')).toEqual([expect.stringMatching(/^risk 3600 s ahead/)])
    expect(await about(backend, 'clock steps')).toEqual([expect.stringMatching(/^risk .* once/)])
  })

  test('that does not answer is not examined, whoever made the client', async () => {
    const server = await serve()
    const client = new Iovalkey(server.port)
    onTestFinished(() => client.disconnect())
    const backends = [backendOf(server), open({ client })]
    for (const backend of backends) await findings(backend)
    server.pause()
    onTestFinished(() => server.resume())
    for (const backend of backends)
      await expect(backend.examine?.({ timeout: 300 })).rejects.toThrow('no answer within 300 ms')
  })
})

describe('a user who may not do everything', () => {
  async function user(...permissions: string[]): Promise<LockBackend> {
    const server = await serve()
    const everything = ['reset', 'on', '>secret', '~locks:*', '&locks:*', '+@all', '-@dangerous']
    await server.command('ACL', 'SETUSER', 'someone', ...everything, ...permissions)
    return backendOf(server, { username: 'someone', password: 'secret' })
  }

  test('is told what could not be seen without CONFIG', async () => {
    const found = await findings(await user('+info'))
    expect(risks(found)).toEqual([])
    expect(unseen(found)).toEqual(['persistence'])
  })

  test('is told what could not be seen without INFO', async () => {
    const found = await findings(await user())
    expect(risks(found)).toEqual([])
    expect(unseen(found)).toEqual(['server'])
    expect(found[0]?.message).toContain('INFO is refused')
  })

  test.for<[string, string, string]>([
    ['-eval', 'EVAL', 'run the .eval. command'],
    ['-evalsha', 'SCRIPTS', 'run the .evalsha. command'],
    ['-time', 'SCRIPTS', 'can.t run this command'],
    ['-publish', 'PUBLISH', 'run the .publish. command'],
    ['-subscribe', 'SUBSCRIBE', 'run the .subscribe. command'],
    ['-ping', 'PING', 'run the .ping. command'],
    ['resetchannels', 'PUBLISH', 'channel'],
  ])('with %s is told that %s is refused', async ([permission, command, words]) => {
    const backend = await user('+info', permission)
    expect(await about(backend, 'commands')).toEqual([
      expect.stringMatching(new RegExp(`^risk .*${command} \\(.*${words}.*allow this user .* ~locks:\\* &locks:\\*$`)),
    ])
  })

  test('who is allowed just what is asked for can use locks', async () => {
    const refused = await about(await user('-ping'), 'commands')
    const permissions = /allow this user (.*)$/.exec(refused[0] ?? '')?.[1] ?? expect.fail()
    const server = await serve()
    await server.command('ACL', 'SETUSER', 'someone', 'reset', 'on', '>secret', ...permissions.split(' '))
    const backend = backendOf(server, { username: 'someone', password: 'secret' })
    expect(await about(backend, 'commands')).toEqual([expect.stringMatching(/^ok/)])
    const lease = await new Lock('mine', { backend }).acquire()
    const other = new Lock('mine', { backend: backendOf(server, { username: 'someone', password: 'secret' }) })
    const waiting = other.acquire()
    await poll('it waits', async () => (await other.inspect()).waiters === 1)
    await lease.release()
    await (await waiting).release()
    expect(await backend.list({ namespace: '', prefix: '', timeout: TIMEOUT })).toEqual([])
  })

  test('who is allowed just what is asked for can use the locks of a Cluster', async () => {
    const { nodes, stop } = await startCluster()
    onTestFinished(stop)
    const allow = async (...permissions: readonly string[]): Promise<LockBackend> => {
      for (const node of nodes)
        await node.command('ACL', 'SETUSER', 'someone', 'reset', 'on', '>secret', ...permissions)
      const cluster = nodes.map(({ host, port }) => ({ host, port }))
      return open({ cluster, username: 'someone', password: 'secret' })
    }
    const refused = await about(await allow('+@all', '-publish', '~locks:*', '&locks:*'), 'commands')
    const permissions = /allow this user (.*)$/.exec(refused[0] ?? '')?.[1] ?? expect.fail()
    const backend = await allow(...permissions.split(' '))
    expect(await about(backend, 'commands')).toHaveLength(3)
    expect(risks(await findings(backend))).toEqual([])
    for (const name of ['a', 'b', 'c']) await (await new Lock(name, { backend }).acquire()).release()
  })

  test('a server on which EVAL has another name is a risk', async () => {
    const server = await serve({ args: ['--rename-command', 'EVAL', 'SECRET'] })
    expect(await about(backendOf(server), 'commands')).toEqual([
      expect.stringMatching(/^risk refused are EVAL \(ERR unknown command/),
    ])
  })
})

describe('several servers', () => {
  test('replicas are a risk, and a bound for masters that are cut off is seen', async () => {
    const { master, replicas, sentinels, name, stop } = await startSentinel()
    onTestFinished(stop)
    await master.command('CONFIG', 'SET', 'appendonly', 'yes')
    const backend = open({ name, sentinels: sentinels.map(({ host, port }) => ({ host, port })) })
    expect(risks(await findings(backend))).toEqual(['replicas', 'isolation'])
    await master.command('CONFIG', 'SET', 'min-replicas-to-write', '1')
    expect(risks(await findings(backend))).toEqual(['replicas'])

    const [replica] = replicas
    if (replica === undefined) return expect.fail('there is none')
    expect(await about(backendOf(replica), 'replicas')).toEqual([
      `risk this is a replica of ${master.host}:${master.port}, which takes no locks; connect to the master`,
    ])
  })

  test('of a Cluster each master is looked at; slots that nobody serves are a risk', async () => {
    const { nodes, stop } = await startCluster()
    onTestFinished(stop)
    for (const node of nodes) await node.command('CONFIG', 'SET', 'appendonly', 'yes')
    const [first, second] = nodes
    if (first === undefined || second === undefined) return expect.fail('there are none')
    const backend = open({ cluster: [{ host: first.host, port: first.port }] })
    const found = await findings(backend)
    expect(risks(found)).toEqual([])
    for (const { host, port } of nodes)
      expect(found).toContainEqual({
        severity: 'ok',
        subject: 'cluster',
        message: `${host}:${port}: all 16384 slots are served, by 3 masters`,
      })

    await second.command('CONFIG', 'SET', 'maxmemory', '1gb', 'maxmemory-policy', 'allkeys-lfu')
    expect(await about(backend, 'eviction')).toContainEqual(
      expect.stringMatching(new RegExp(`^risk ${second.host}:${second.port}: maxmemory-policy is allkeys-lfu`)),
    )
    expect(await about(backendOf(first), 'cluster')).toEqual([expect.stringMatching(/^risk one of 3 masters, asked/)])

    for (const node of nodes)
      await node.command(
        'ACL',
        'SETUSER',
        'someone',
        'reset',
        'on',
        '>secret',
        '~locks:*',
        '&locks:*',
        '+@all',
        '-info',
      )
    const user = { username: 'someone', password: 'secret' }
    const blind = await findings(open({ cluster: [{ host: first.host, port: first.port }], ...user }))
    expect(risks(blind)).toEqual([])
    expect(blind.filter(({ subject }) => subject === 'cluster')).toHaveLength(3)
    for (const { host, port } of nodes)
      expect(blind).toContainEqual(
        expect.objectContaining({ message: expect.stringMatching(`^${host}:${port}: INFO is`) }),
      )

    await second.command('CLUSTER', 'DELSLOTS', '8000')
    await first.command('CLUSTER', 'DELSLOTS', '8000')
    expect(await about(backendOf(first), 'cluster')).toEqual([expect.stringMatching(/^risk /)])
    expect(await about(backend, 'cluster')).toContainEqual(expect.stringMatching(/^risk .* 16383 of 16384 slots/))
  })
})

describe('every client library', () => {
  test('tells the same', async () => {
    const server = await serve({ appendonly: false, args: ['--timeout', '77'] })
    const iovalkey = new Iovalkey(server.port)
    const nodeRedis = createClient({ url: `redis://127.0.0.1:${server.port}` })
    const nodeRedis2 = createClient({ url: `redis://127.0.0.1:${server.port}`, RESP: 2 })
    await nodeRedis.connect()
    await nodeRedis2.connect()
    onTestFinished(() => {
      iovalkey.disconnect()
      nodeRedis.destroy()
      nodeRedis2.destroy()
    })
    const changing = ['clock', 'latency', 'connections', 'memory']
    const lasting = (found: readonly Finding[]) => found.filter(({ subject }) => !changing.includes(subject))
    const own = await findings(backendOf(server))
    for (const client of [iovalkey, nodeRedis, nodeRedis2]) {
      const found = await findings(open({ client }))
      expect(lasting(found)).toEqual(lasting(own))
      expect(found.find(({ subject }) => subject === 'connections')?.message).toContain('closed after 77 s')
    }
  })
})
