import { Redis } from 'ioredis'
import { createClient, createClientPool, createCluster, createSentinel } from 'redis'
import { expect, test } from 'vitest'
import { redisBackend } from '../src/index.ts'

/** Where a backend that was given this would connect. */
const locationOf = (given: Parameters<typeof redisBackend>[0]): string => redisBackend(given).location

test.for([
  [undefined, '127.0.0.1:6379'],
  ['redis:', '127.0.0.1:6379'],
  ['redis://', '127.0.0.1:6379'],
  ['redis://db.example', 'db.example:6379'],
  ['redis://db.example/0', 'db.example:6379'],
  ['rediss://user:p%40ss@db.example:7000/3', 'db.example:7000/3'],
  ['valkey://:secret@[::1]:7000', '::1:7000'],
  ['redis://b:2,a:1?cluster=true', 'a:1,b:2'],
  ['redis://b,a:1?sentinel=main', 'main of a:1,b:26379'],
  ['redis://h?prefix=app:', 'h:6379 app:'],
  [new URL('redis://h:7000'), 'h:7000'],
  [{ path: '/run/redis.sock' }, '/run/redis.sock'],
  [{ host: 'h', db: 2, tls: {} }, 'h:6379/2'],
  [{ sentinels: [{ host: 's', port: 26_379 }], name: 'main' }, 'main of s:26379'],
] as const)('%o is understood as %s', ([given, location]) => {
  expect(locationOf(given)).toBe(location)
})

test.for([
  ['http://h', /URL "http:\/\/h" is not understood/],
  ['redis://a,b', /is not understood/],
  ['redis://h/db', /is not understood/],
  ['redis://h:port', /is not understood/],
  ['redis://h?cluster=yes', /cluster is "yes"/],
  ['redis://h?ttl=1', /unknown option "ttl"/],
  ['redis://h:0', /port is 0: .* 1 to 65535/],
  [{ hots: 'h' }, /unknown option "hots": redisBackend has client, prefix, host/],
  [{ host: '' }, /host is "": it must be a non-empty string/],
  [{ port: 6379.5 }, /port is 6379.5/],
  [{ db: -1 }, /db is -1/],
  [{ tls: true }, /tls is true/],
  [{ password: 5 }, /password is not a non-empty string/],
  [{ prefix: '{}' }, /prefix is "\{\}"/],
  [{ prefix: 'my app:' }, /prefix is "my app:": .* white space/],
  [{ name: 'main' }, /sentinels and name go together/],
  [{ cluster: [] }, /cluster must be a list/],
  [{ cluster: [{ host: 'a', port: 1 }], host: 'b' }, /give one of/],
  [{ cluster: [{ host: 'a', port: 1 }], db: 1 }, /a Cluster has only 0/],
  [{ client: {} }, /it must be a client of ioredis, iovalkey or node-redis/],
  [5, /give a URL, a client or options/],
  [null, /give a URL, a client or options/],
] as const)('%o is refused, saying why', ([given, message]) => {
  expect(() => redisBackend(given as Parameters<typeof redisBackend>[0])).toThrow(message)
})

test('a password never shows in a refusal', () => {
  expect(() => redisBackend('redis://user:secret@h/db')).toThrow(/^((?!secret).)*$/)
  expect(() => redisBackend({ password: { secret: 1 } } as never)).toThrow(/^((?!secret: 1).)*$/)
})

test('a client says where it is, and its key prefix tells its locks from others', () => {
  const client = new Redis({ host: 'h', port: 7000, db: 1, keyPrefix: 'app:', lazyConnect: true })
  expect(locationOf(client)).toBe('h:7000/1 app:locks:')
  expect(() => redisBackend({ client, host: 'h' })).toThrow(/host is given beside client/)
})

test('node-redis leaves its key prefix out of what is sent as it is: it counts all the same', () => {
  const options = { url: 'redis://h:7000', keyPrefix: 'app:' }
  expect(locationOf(createClient(options))).toBe('h:7000 app:locks:')
  const rootNodes = [{ url: 'redis://h:7000' }]
  expect(locationOf(createCluster({ rootNodes, keyPrefix: 'app:' }))).toBe('h:7000 app:locks:')
  expect(locationOf(createCluster({ rootNodes: [{ socket: { host: 'h', port: 7000 } }] }))).toBe('h:7000')
  const sentinels = [{ host: 's', port: 1 }]
  const sentinel = createSentinel({ name: 'main', sentinelRootNodes: sentinels, keyPrefix: 'app:' })
  expect(locationOf(sentinel)).toMatch(/ app:locks:$/)
})

test('a key prefix that would tear a lock over slots is refused', () => {
  expect(() => redisBackend(new Redis({ keyPrefix: '{}:', lazyConnect: true }))).toThrow(/keyPrefix is "\{\}:"/)
})

test('a pool of clients is refused: it cannot hear messages', () => {
  expect(() => redisBackend(createClientPool() as never)).toThrow(/a pool can not be used/)
})
