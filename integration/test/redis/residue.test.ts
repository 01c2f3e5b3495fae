/** What is left behind, on the server and in the process, after much use. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import type { RedisServer } from '../../servers/redis-binary.ts'
import { RespConnection } from '../../servers/resp.ts'
import { keysOn, Party, redis, urlOf } from './harness.ts'

/** For how long a name is remembered after its last hold at most, in milliseconds. */
const RETENTION = 30 * 60_000
/** How much longer that hold could have lasted. */
const TTL = 30_000
const MEGABYTE = 1_000_000

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** What the program itself needs now. */
function heap(): number {
  collectGarbage()
  collectGarbage()
  return process.memoryUsage().heapUsed
}

/** Each key's time to live is set, and no longer than a name is remembered. */
async function expectToExpire(server: RedisServer): Promise<void> {
  const keys = await keysOn(server)
  const connection = new RespConnection(server)
  const lives = await Promise.all(keys.map((key) => connection.call('PTTL', key)))
  connection.close()
  await connection.closed
  for (const [index, life] of lives.entries()) {
    expect(Number(life), keys[index]).toBeGreaterThan(0)
    expect(Number(life), keys[index]).toBeLessThanOrEqual(RETENTION + TTL)
  }
}

/** So many connections are there, once the server has noticed the end of others. */
async function expectClients(server: RedisServer, count: number): Promise<void> {
  await poll(`${count} connections`, async () => {
    const lines = `${await server.command('CLIENT', 'LIST')}`.split('\n').filter((line) => line !== '')
    return lines.filter((line) => !line.includes('cmd=client')).length === count
  })
}

test('10,000 cycles on one name leave one small key, and nothing in the process', async () => {
  const server = await redis()
  const party = new Party(urlOf(server))
  const lock = party.lock('a')
  const cycles = async (count: number): Promise<void> => {
    for (let cycle = 0; cycle < count; cycle += 1) await (await lock.acquire()).release()
  }
  await cycles(2_000)
  const before = heap()
  await cycles(10_000)
  expect(heap() - before).toBeLessThan(MEGABYTE)
  expect(await keysOn(server)).toEqual(['locks:{:a}'])
  expect(Number(await server.command('MEMORY', 'USAGE', 'locks:{:a}'))).toBeLessThan(400)
  await expectToExpire(server)
  await expectClients(server, 1)
})

test('10,000 cycles on 1,000 names leave a key of each, which goes with its time, and nothing in the process', async () => {
  const server = await redis()
  const party = new Party(urlOf(server))
  const rounds = async (count: number): Promise<void> => {
    for (let round = 0; round < count; round += 1) {
      for (let at = 0; at < 1_000; at += 50) {
        const names = Array.from({ length: 50 }, (_, index) => `name ${at + index}`)
        await Promise.all(names.map((name) => party.lock(name).using(() => undefined)))
      }
    }
  }
  await rounds(2)
  const before = heap()
  await rounds(10)
  expect(heap() - before).toBeLessThan(MEGABYTE)
  expect(await keysOn(server)).toHaveLength(1_000)
  await expectToExpire(server)
  await expectClients(server, 1)
})

test('1,000 waits that are given up leave no place, no particulars, and no third connection', async () => {
  const server = await redis()
  const [one, other] = [new Party(urlOf(server)), new Party(urlOf(server))]
  const lease = await one.lock('a').acquire()
  const waits = async (count: number): Promise<void> => {
    for (let done = 0; done < count; done += 50) {
      const controller = new AbortController()
      const waiting = Array.from({ length: 50 }, () =>
        other
          .lock('a', { fair: 'strict' })
          .acquire({ signal: controller.signal })
          .catch((error: unknown) => error),
      )
      await poll('they wait', async () => (await one.lock('a').inspect()).waiters > 0)
      controller.abort(new Error('enough'))
      await Promise.all(waiting)
    }
    await poll('nobody waits', async () => (await one.lock('a').inspect()).waiters === 0)
  }
  await waits(500)
  const before = heap()
  await waits(1_000)
  expect(heap() - before).toBeLessThan(MEGABYTE)
  const fields = (await server.command('HKEYS', 'locks:{:a}:m')) as readonly string[]
  expect(fields.filter((field) => field.startsWith('w'))).toEqual([])
  expect(await server.command('EXISTS', 'locks:{:a}:q', 'locks:{:a}:h')).toBe(0)
  // One for requests each, and one to hear by.
  await expectClients(server, 3)
  await lease.release()
  await expectToExpire(server)
})

test('a name is forgotten with all that belongs to it once its time is over', async () => {
  const server = await redis({ faketime: true })
  const party = new Party(urlOf(server))
  const lock = party.lock('a')
  const lease = await lock.acquire()
  const waiting = party.lock('a', { fair: 'strict' }).acquire({ signal: AbortSignal.timeout(200) })
  await expect(waiting).rejects.toThrow('timeout')
  await lease.release()
  await party.lock('b').using(() => undefined)
  await party.backend.close()
  expect((await keysOn(server)).length).toBeGreaterThan(1)
  server.stepClock(RETENTION + TTL)
  await poll('nothing is left', async () => (await keysOn(server)).length === 0)
})

test('a permanent hold stays, and its keys go with their time once it is released', async () => {
  const server = await redis()
  const party = new Party(urlOf(server))
  const lease = await party.lock('a', { ttl: Number.POSITIVE_INFINITY }).acquire()
  await poll('it is permanent', async () => (await server.command('PTTL', 'locks:{:a}')) === -1)
  await lease.release()
  await expectToExpire(server)
})
