import type { LockBackend } from '@locks/core'
import type { ConformanceFaults } from '@locks/core/conformance'
import { expect, expectTypeOf, onTestFinished, test } from 'vitest'
import { type NetworkFaults, ProxiedClients } from '../../faults/proxied-clients.ts'
import { poll } from '../../servers/poll.ts'
import type { RedisServer } from '../../servers/redis-binary.ts'
import type { RespConnection } from '../../servers/resp.ts'
import { client, listens, outcome, redis } from './harness.ts'

interface Trio {
  readonly server: RedisServer
  readonly clients: ProxiedClients<RespConnection>
  readonly one: RespConnection
  readonly another: RespConnection
  connect(): Promise<RespConnection>
}

async function trio(): Promise<Trio> {
  const server = await redis()
  const clients = new ProxiedClients<RespConnection>(server)
  onTestFinished(() => clients.close())
  const connect = async (): Promise<RespConnection> => {
    const proxy = await clients.connectThrough()
    return clients.bind(client(proxy), proxy)
  }
  const [one, another] = [await connect(), await connect()]
  await Promise.all([one.call('PING'), another.call('PING')])
  return { server, clients, one, another, connect }
}

test('its faults are those of a conformance target', () => {
  expectTypeOf<NetworkFaults<LockBackend>>().toExtend<ConformanceFaults>()
})

test('a pause concerns all clients, those that come later, too', async () => {
  const { clients, one, another, connect } = await trio()
  clients.faults.pause()
  const newcomer = await connect()
  const calls = [one, another, newcomer].map((each) => each.call('INCR', 'n'))
  expect(await outcome(Promise.race(calls))).toBe('nothing')
  await clients.faults.resume()
  expect((await Promise.all(calls)).sort()).toEqual([1, 2, 3])
  expect(await (await connect()).call('PING')).toBe('PONG')
})

test('an isolated client hangs alone, when it connects again as well', async () => {
  const { clients, one, another } = await trio()
  clients.faults.isolate(one)
  const isolated = one.call('INCR', 'n')
  const [proxy] = clients.proxiesOf(one)
  if (proxy === undefined) throw new Error('a proxy was bound')
  const again = client(proxy).call('INCR', 'n')
  expect(await outcome(Promise.race([isolated, again]))).toBe('nothing')
  expect(await another.call('INCR', 'n')).toBe(1)
  await clients.faults.resume()
  expect([await isolated, await again].sort()).toEqual([2, 3])
})

test('lost replies leave changes behind', async () => {
  const { server, clients, one, another } = await trio()
  clients.faults.loseReplies()
  const calls = [one.call('INCR', 'n'), another.call('INCR', 'n')]
  await poll('both were carried out', async () => (await server.command('GET', 'n')) === '2')
  expect(await outcome(Promise.race(calls))).toBe('nothing')
  await clients.faults.resume()
  await Promise.all([one.closed, another.closed])
  await Promise.allSettled(calls)
})

test('delayed requests of one client may be overtaken by those of another', async () => {
  const { server, clients, one, another } = await trio()
  clients.faults.delayRequests(300, 400)
  const late = one.call('INCR', 'n')
  await server.command('PING')
  await clients.faults.resume()
  expect(await another.call('INCR', 'n')).toBe(1)
  expect(await late).toBe(2)
})

test('all are disconnected once', async () => {
  const { clients, one, another, connect } = await trio()
  clients.faults.disconnect()
  await Promise.all([one.closed, another.closed])
  expect(await (await connect()).call('PING')).toBe('PONG')
})

test('a client of several servers is isolated from all of them', async () => {
  const { clients } = await trio()
  const proxies = [await clients.connectThrough(await redis()), await clients.connectThrough(await redis())]
  const connections = proxies.map((proxy) => client(proxy))
  const quorum = client(await clients.connectThrough())
  clients.bind(quorum, ...proxies)
  clients.faults.isolate(quorum)
  expect(await outcome(Promise.race(connections.map((each) => each.call('PING'))))).toBe('nothing')
})

test('what was made for a client goes with it', async () => {
  const { clients, one, another } = await trio()
  const [proxy] = clients.proxiesOf(one)
  if (proxy === undefined) throw new Error('a proxy was bound')
  clients.release(one)
  await one.closed
  expect(await listens(proxy)).toBe(false)
  expect(() => clients.proxiesOf(one)).toThrow(TypeError)
  expect(await another.call('PING')).toBe('PONG')
})
