import { Client } from 'memjs'
import { expect, test } from 'vitest'
import { memcachedBackend } from '../src/index.ts'

const backend = memcachedBackend as (given?: unknown) => ReturnType<typeof memcachedBackend>

test.each([
  [{ server: 'a' }, /unknown option "server": memcachedBackend has servers, username/],
  [{ failover: true }, /a lock that moves to another server is held twice/],
  [{ servers: [] }, /servers is .* must be "host:port"/],
  [{ servers: '::1' }, /server "::1": it must be "host:port"/],
  [{ servers: 'a:0' }, /server "a:0": it must be "host:port"/],
  [{ servers: 'a b' }, /server "a b"/],
  [{ servers: ['a', 'a:11211'] }, /server a:11211 is named twice/],
  [{ username: 'u' }, /username and password go together/],
  [{ client: {} }, /client is .* must be a client of memjs/],
  [{ client: Client.create('a'), username: 'u', password: 'p' }, /username is given beside client/],
  [{ client: Client.create('a'), servers: 'b' }, /servers is given beside client/],
  [{ prefix: 'a b' }, /prefix is "a b": it must be up to 100 visible ASCII characters/],
  [5, /memcachedBackend was given 5/],
  ['http://a', /must be like memcached:\/\//],
  ['memcached://a?x=1', /unknown option "x"/],
  ['memcached://u:%zz@a', /not percent-encoded/],
])('refuses %j', (given, message) => {
  expect(() => backend(given)).toThrow(TypeError)
  expect(() => backend(given)).toThrow(message)
})

test('never shows a password that a URL has', () => {
  expect(() => backend('memcached://u:s3cret@a@b')).toThrow(/^(?!.*s3cret)/)
})

test.each([
  [undefined, 'localhost:11211'],
  ['memcached:', 'localhost:11211'],
  ['[::1]:11212,[fe80::1]', '[::1]:11212,[fe80::1]:11211'],
  ['memcached://[::1]', '[::1]:11211'],
  ['a', 'a:11211'],
  ['a:1,b:2', 'a:1,b:2'],
  ['memcached://u:p%40@a,b:2', 'a:11211,b:2'],
  [{ servers: ['a', 'b:2'] }, 'a:11211,b:2'],
  [Client.create('u:p@a:1,b'), 'a:1,b:11211'],
  [{ client: Client.create('a') }, 'a:11211'],
])('%j leads to %s', (given, location) => {
  expect(backend(given).location).toBe(location)
})

test('what can’t be had is declared', () => {
  const { capabilities } = memcachedBackend()
  expect(capabilities).toMatchObject({ queue: 'none', wakeup: 'poll', list: false })
  expect(capabilities.guarantee.exclusionAcross).toMatchObject({ restart: false, dataLoss: false, clockStep: true })
})
