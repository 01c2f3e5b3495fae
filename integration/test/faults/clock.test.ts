import { expect, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import type { RedisServer } from '../../servers/redis-binary.ts'
import type { Reply } from '../../servers/resp.ts'
import { client, redis } from './harness.ts'

const HOUR = 3_600_000

/** How far a server's wall clock is ahead of this process's, in milliseconds: to within the time that asking takes. */
async function ahead(server: RedisServer): Promise<{ readonly least: number; readonly most: number }> {
  const asked = Date.now()
  const [seconds, microseconds] = (await server.command('TIME')) as readonly [Reply, Reply]
  const told = Number(seconds) * 1_000 + Number(microseconds) / 1_000
  return { least: told - Date.now() - 1, most: told - asked + 1 }
}

async function expectAhead(server: RedisServer, milliseconds: number): Promise<void> {
  const { least, most } = await ahead(server)
  expect(least).toBeLessThanOrEqual(milliseconds)
  expect(most).toBeGreaterThanOrEqual(milliseconds)
}

test('the wall clock can be set in both directions, again and again', async () => {
  const server = await redis({ faketime: true })
  await expectAhead(server, 0)
  let offset = 0
  for (const step of [HOUR, 250, -2 * HOUR, -125, 2 * HOUR, -HOUR - 125]) {
    server.stepClock(step)
    offset += step
    await expectAhead(server, offset)
  }
  expect(offset).toBe(0)
})

test('a key expires by the wall clock', async () => {
  const server = await redis({ faketime: true })
  await server.command('SET', 'k', 'v', 'PX', 60_000)
  server.stepClock(50_000)
  expect(await server.command('PTTL', 'k')).toBeLessThanOrEqual(10_000)
  expect(await server.command('GET', 'k')).toBe('v')
  server.stepClock(10_000)
  expect(await server.command('GET', 'k')).toBe(null)
  await server.command('SET', 'l', 'v', 'PX', 1_000)
  server.stepClock(-HOUR)
  expect(await server.command('PTTL', 'l')).toBeGreaterThan(HOUR)
})

test('scripts see the clock that was set', async () => {
  const server = await redis({ faketime: true })
  server.stepClock(HOUR)
  const asked = Date.now()
  const told = Number(await server.command('EVAL', "return redis.call('TIME')[1]", 0)) * 1_000
  expect(told).toBeGreaterThan(asked + HOUR - 1_500)
})

test('what the server measures by its monotonic clock goes on as ever', async () => {
  const server = await redis({ faketime: true })
  const blocked = client(server)
  const sent = performance.now()
  const unblocked = blocked.call('BLPOP', 'nothing', '1').then((reply) => ({ reply, took: performance.now() - sent }))
  await poll('it waits', async () => `${await server.command('INFO', 'clients')}`.includes('blocked_clients:1'))
  server.stepClock(-HOUR)
  await server.command('PING')
  server.stepClock(HOUR)
  const { reply, took } = await unblocked
  expect(reply).toBe(null)
  expect(took).toBeGreaterThan(900)
  expect(took).toBeLessThan(5_000)
})

test('the clock stays set over a restart', async () => {
  const server = await redis({ faketime: true, appendonly: true })
  server.stepClock(-HOUR)
  await server.restart({ data: 'kept' })
  await expectAhead(server, -HOUR)
})

test('a server with a clock of its own is no slower than a few milliseconds', async () => {
  const server = await redis({ faketime: true })
  const connection = client(server)
  const took: number[] = []
  for (let asked = 0; asked < 200; asked += 1) {
    if (asked % 20 === 0) server.stepClock(asked % 40 === 0 ? HOUR : -HOUR)
    const sent = performance.now()
    await connection.call('PING')
    took.push(performance.now() - sent)
  }
  expect(took.sort((a, b) => a - b)[100]).toBeLessThan(5)
})

test('a server without one says so', async () => {
  const server = await redis()
  expect(() => server.stepClock(1)).toThrow('not started with faketime')
})
