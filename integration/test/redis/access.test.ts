/** Users that may do little, and those that are not let in. */
import { createLocks } from '@locks/core'
import type { RedisClient } from '@locks/redis'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import type { RedisServer } from '../../servers/redis-binary.ts'
import { backendError, now, Party, redis } from './harness.ts'

/** What the error about a missing right says that it takes. */
const RIGHTS = ['+@scripting', '+@read', '+@write', '+@pubsub', '+time', '+ping', '~locks:*', '&locks:*']
const SECRET = 'a secret'

async function serverFor(rights: readonly string[]): Promise<RedisServer> {
  const server = await redis()
  await server.command('ACL', 'SETUSER', 'locks', 'reset', 'on', `>${SECRET}`, ...rights)
  return server
}

const user = { username: 'locks', password: SECRET }

const clients = {
  'its own client': (port: number) => ({ port, ...user }),
  ioredis: (port: number): RedisClient => {
    // Its ready check asks for INFO, and says on the console that it may not.
    const client = new Redis({ port, ...user, enableReadyCheck: false })
    client.on('error', () => undefined)
    onTestFinished(() => client.disconnect())
    return client
  },
  'node-redis': async (port: number): Promise<RedisClient> => {
    const client = createClient({ socket: { port }, ...user })
    await client.on('error', () => undefined).connect()
    onTestFinished(() => client.destroy())
    return client
  },
}

describe.each(Object.entries(clients))('a user of %s', (_, open) => {
  test('with just the documented rights may do everything', async () => {
    const server = await serverFor(RIGHTS)
    const [one, other] = [new Party(await open(server.port)), new Party(await open(server.port))]
    const lock = one.lock('a')
    const lease = await lock.acquire()
    await lease.renew()
    const waiting = other.lock('a').acquire()
    await poll('it waits', async () => (await lock.inspect()).waiters === 1)
    const began = now()
    await lease.release()
    const next = await waiting
    expect(now() - began, 'the message was not heard').toBeLessThan(700)
    expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
    expect(await createLocks({ backend: one.backend }).list()).toEqual(['a'])
    expect(await lock.forceRelease()).toBe(true)
  })

  test.each(RIGHTS.filter((right) => right !== '+ping'))('without %s is told what it lacks', async (right) => {
    const server = await serverFor(RIGHTS.filter((other) => other !== right))
    const admin = new Party({ port: server.port })
    const party = new Party(await open(server.port))
    const held = await admin.lock('a').acquire()
    const began = now()
    await expect(party.lock('a').acquire()).rejects.toMatchObject(backendError(/lock "a".*lacks a permission.*\+time/))
    expect(now() - began, 'it repeated what could not help').toBeLessThan(1_500)
    expect(held.held).toBe(true)
  })
})

test.for([
  ['a wrong password', { ...user, password: 'another secret' }, /WRONGPASS/],
  ['no password', {}, /NOAUTH/],
] as const)('with %s nobody is let in, and told so without the password', async ([, given, reason]) => {
  const server = await serverFor(RIGHTS)
  await server.command('ACL', 'SETUSER', 'default', 'off')
  const party = new Party({ port: server.port, ...given })
  const failure = await party
    .lock('a', { requestTimeout: 2_000 })
    .acquire()
    .catch((error: unknown) => error)
  expect(failure).toMatchObject(backendError(reason))
  expect(failure).toMatchObject(backendError(/another user name or password/))
  expect(String(failure)).not.toContain('another secret')
})

test('a replica takes no locks, and says that it is one', async () => {
  const master = await redis()
  const replica = await redis({ args: ['--replicaof', master.host, `${master.port}`] })
  await poll('it is in sync', async () => `${await replica.command('ROLE')}`.includes(',connected,'))
  const party = new Party({ port: replica.port })
  await expect(party.lock('a', { requestTimeout: 1_000 }).acquire()).rejects.toMatchObject(backendError(/is a replica/))
})
