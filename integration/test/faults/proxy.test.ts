import { expect, onTestFinished, test } from 'vitest'
import { startProxy } from '../../faults/proxy.ts'
import { poll } from '../../servers/poll.ts'
import type { RedisServer } from '../../servers/redis-binary.ts'
import { client, listens, outcome, proxied } from './harness.ts'

/** How many clients the server sees, the one that asks aside. */
async function seen(server: RedisServer): Promise<number> {
  return `${await server.command('CLIENT', 'LIST', 'TYPE', 'normal')}`.trim().split('\n').length - 1
}

test('without a fault everything passes, in its order', async () => {
  const { server, proxy, through } = await proxied()
  const other = client(proxy)
  const long = 'x'.repeat(300_000)
  const calls = [
    through.call('SET', 'k', long),
    through.call('GET', 'k'),
    through.call('INCR', 'n'),
    other.call('PING'),
  ]
  expect(await Promise.all(calls)).toEqual(['OK', long, 1, 'PONG'])
  expect(proxy.connections).toBe(2)
  other.close()
  await poll('the server is told that a client left', async () => (await seen(server)) === 1)
  expect(proxy.connections).toBe(1)
})

test('a client is told that the server is gone, and one that comes then, too', async () => {
  const { server, proxy, through } = await proxied()
  await server.kill()
  await through.closed
  await client(proxy).closed
  await server.restart({ data: 'lost' })
  expect(await client(proxy).call('PING')).toBe('PONG')
})

test('what is sent during a pause is carried out and answered after it', async () => {
  const { server, proxy, through } = await proxied()
  proxy.pause()
  const answered = through.call('INCR', 'n')
  const newcomer = client(proxy).call('INCR', 'n')
  expect(await outcome(Promise.race([answered, newcomer]))).toBe('nothing')
  expect(await server.command('GET', 'n')).toBe(null)
  await proxy.resume()
  await proxy.resume()
  expect([await answered, await newcomer].sort()).toEqual([1, 2])
})

test('what is sent during a pause is carried out after it though the client has given up', async () => {
  const { server, proxy, through } = await proxied()
  proxy.pause()
  const given = outcome(through.call('INCR', 'n'))
  await server.command('PING')
  through.close()
  expect(await given).toBe('Error: the connection was closed')
  const newcomer = client(proxy)
  newcomer.call('INCR', 'n').catch(() => undefined)
  await server.command('PING')
  newcomer.close()
  expect(await server.command('GET', 'n')).toBe(null)
  await proxy.resume()
  await poll('both were carried out', async () => (await server.command('GET', 'n')) === '2')
})

test('a request whose reply is lost was carried out, and no later reply is taken for it', async () => {
  const { server, proxy, through } = await proxied()
  const idle = client(proxy)
  await idle.call('PING')
  proxy.loseReplies()
  const lost = through.call('INCR', 'n')
  await poll('it was carried out', async () => (await server.command('GET', 'n')) === '1')
  expect(await outcome(lost)).toBe('nothing')
  const after = outcome(through.call('PING'), 5_000)
  await proxy.resume()
  // Reset, if the request after it was not read yet.
  expect(await outcome(lost, 5_000)).toMatch(/closed|ECONNRESET/)
  expect(await after).toMatch(/closed|ECONNRESET/)
  expect(await idle.call('INCR', 'n')).toBe(2)
})

test('what is dropped in both directions is not carried out, not even later', async () => {
  const { server, proxy, through } = await proxied()
  const idle = client(proxy)
  await idle.call('PING')
  proxy.dropBoth()
  const dropped = through.call('INCR', 'n')
  const newcomer = client(proxy).call('INCR', 'n')
  expect(await outcome(Promise.race([dropped, newcomer]))).toBe('nothing')
  await proxy.resume()
  expect(await outcome(dropped, 5_000)).toBe('Error: the connection was closed')
  expect(await outcome(newcomer, 5_000)).toBe('Error: the connection was closed')
  expect(await idle.call('INCR', 'n')).toBe(1)
  expect(await server.command('GET', 'n')).toBe('1')
})

test('a server is not told of a client that leaves while all is dropped, until it ends', async () => {
  const { server, proxy, through } = await proxied()
  proxy.dropBoth()
  through.close()
  await poll('the client is gone', () => proxy.connections === 0)
  expect(await seen(server)).toBe(1)
  await proxy.resume()
  await poll('the server is told', async () => (await seen(server)) === 0)
})

test('delayed requests keep their order within a connection', async () => {
  const { server, proxy, through } = await proxied()
  proxy.delay(50, 100)
  const sent = performance.now()
  const calls: Promise<unknown>[] = []
  for (let index = 0; index < 20; index += 1) {
    calls.push(through.call('RPUSH', 'l', index))
    // A round trip past the proxy: it reads one request after the other.
    await server.command('PING')
  }
  expect(await Promise.all(calls)).toEqual(calls.map((_, index) => index + 1))
  expect(await server.command('LRANGE', 'l', 0, -1)).toEqual(calls.map((_, index) => `${index}`))
  expect(performance.now() - sent).toBeGreaterThanOrEqual(49)
})

test('a request under way when the delay ends still arrives late, after one that another client sent later', async () => {
  const { server, proxy, through } = await proxied()
  proxy.delay(400, 400)
  const sent = performance.now()
  const late = through.call('INCR', 'n')
  // A round trip past the proxy: by now it has read the request.
  await server.command('PING')
  await proxy.resume()
  expect(await client(proxy).call('INCR', 'n')).toBe(1)
  expect(await late).toBe(2)
  expect(performance.now() - sent).toBeGreaterThanOrEqual(399)
})

test('replies can be delayed as well', async () => {
  const { server, proxy, through } = await proxied()
  proxy.delay(150, 150, { replies: true })
  const sent = performance.now()
  const reply = through.call('INCR', 'n')
  await poll('it was carried out', async () => (await server.command('GET', 'n')) === '1')
  expect(await reply).toBe(1)
  expect(performance.now() - sent).toBeGreaterThanOrEqual(298)
})

test('after a cut, clients connect again at once, and what they had sent may arrive after what they send then', async () => {
  const { server, proxy, through } = await proxied()
  proxy.delay(300, 300)
  const late = outcome(through.call('INCR', 'n'), 5_000)
  await server.command('PING')
  proxy.cut()
  await through.closed
  expect(await late).toBe('Error: the connection was closed')
  await proxy.resume()
  expect(await client(proxy).call('INCR', 'n')).toBe(1)
  await poll('the late one was carried out', async () => (await server.command('GET', 'n')) === '2')
  await poll('its connection is closed', async () => (await seen(server)) === 1)
})

test('a reset reaches both sides', async () => {
  const { server, proxy, through } = await proxied()
  proxy.reset()
  await through.closed
  expect(await outcome(through.call('PING'))).toMatch('ECONNRESET')
  await poll('the server noticed', async () => (await seen(server)) === 0)
  expect(await client(proxy).call('PING')).toBe('PONG')
})

test('a half-open connection is gone for the server, and the client is not told', async () => {
  const { server, proxy, through } = await proxied()
  proxy.halfOpen()
  await poll('the server was told', async () => (await seen(server)) === 0)
  const unanswered = through.call('INCR', 'n')
  expect(await outcome(unanswered)).toBe('nothing')
  expect(proxy.connections).toBe(1)
  expect(await client(proxy).call('PING')).toBe('PONG')
  await proxy.resume()
  expect(await outcome(unanswered, 5_000)).toBe('Error: the connection was closed')
  expect(await server.command('GET', 'n')).toBe(null)
})

test('new connections are refused until the proxy resumes, and those there are stay', async () => {
  const { proxy, through } = await proxied()
  proxy.refuse()
  expect(await outcome(client(proxy).call('PING'), 5_000)).toMatch('ECONNREFUSED')
  expect(await through.call('PING')).toBe('PONG')
  await proxy.resume()
  expect(await client(proxy).call('PING')).toBe('PONG')
})

test('a slow line takes its time', async () => {
  const { proxy, through } = await proxied()
  await through.call('SET', 'k', 'x'.repeat(5_000))
  proxy.throttle(20_000)
  const sent = performance.now()
  expect(await through.call('GET', 'k')).toHaveLength(5_000)
  expect(performance.now() - sent).toBeGreaterThanOrEqual(249)
  await proxy.resume()
})

test('a closed proxy is gone on both sides', async () => {
  const { server, proxy, through } = await proxied()
  proxy.close()
  proxy.close()
  await through.closed
  expect(await listens(proxy)).toBe(false)
  await poll('the server noticed', async () => (await seen(server)) === 0)
})

test('each proxy has its own faults', async () => {
  const { server, proxy, through } = await proxied()
  const another = await startProxy(server)
  onTestFinished(() => another.close())
  const undisturbed = client(another)
  proxy.pause()
  expect(await undisturbed.call('PING')).toBe('PONG')
  expect(await outcome(through.call('PING'))).toBe('nothing')
})
