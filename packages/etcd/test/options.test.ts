import { expect, test } from 'vitest'
import { etcdBackend } from '../src/index.ts'
import { settingsFrom } from '../src/options.ts'
import { optionsFromUrl } from '../src/url.ts'

const locationOf = (given?: Parameters<typeof settingsFrom>[0]): string => settingsFrom(given).connections.location

test('without an argument it is the default endpoint', () => {
  expect(locationOf()).toBe('127.0.0.1:2379')
  expect(etcdBackend().location).toBe('127.0.0.1:2379')
})

test.each([
  ['etcd:', '127.0.0.1:2379'],
  ['etcd://', '127.0.0.1:2379'],
  ['etcd://a', 'a:2379'],
  ['etcd://a:1,b:2,[::1]:3', 'a:1,b:2,[::1]:3'],
  ['etcds://a', 'a:2379'],
  ['http://a:7', 'a:7'],
  ['https://a:7/', 'a:7'],
  ['a:1,b', 'a:1,b:2379'],
])('%s leads to %s', (given, location) => {
  expect(locationOf(given)).toBe(location)
})

test('a URL object, a list of hosts and options do as well', () => {
  expect(locationOf(new URL('etcd://a:1'))).toBe('a:1')
  expect(locationOf(['a:1', 'https://b'].slice(0, 1))).toBe('a:1')
  expect(locationOf({ hosts: 'a,b' })).toBe('a:2379,b:2379')
})

test('a URL has user, password and prefix, percent-encoded', () => {
  expect(optionsFromUrl('etcds://ada:p%40ss%3A@a:1?prefix=app%2F')).toEqual({
    hosts: ['https://a:1'],
    auth: { username: 'ada', password: 'p@ss:' },
    prefix: 'app/',
  })
})

test('a user and a password are in no location', () => {
  expect(etcdBackend('etcd://ada:secret@a:1').location).toBe('a:1')
})

test('another prefix is another place', () => {
  expect(etcdBackend({ prefix: 'x/' }).location).toBe('127.0.0.1:2379 x/')
})

test('a client is known by its shape, its hosts are the location and its namespace comes first', () => {
  const client = {
    ...{ kv: {}, leaseClient: {}, watchClient: {} },
    options: { hosts: ['https://a:1', 'https://b:2'] },
    prefix: Buffer.from('mine/'),
  } as never
  const settings = settingsFrom(client)
  expect(settings).toMatchObject({ prefix: 'mine/locks/', connections: { location: 'a:1,b:2' } })
  expect(settingsFrom({ client, prefix: 'x/' }).prefix).toBe('mine/x/')
})

test.each([
  ['etcd://a:1?cluster=true', /unknown option "cluster"/],
  ['etcd://a/b', /must be like/],
  ['etcd://ada@a:1', /a user without a password/],
  ['etcd://a b', /host "a b"/],
  ['redis://a', /must be like|host/],
  [{ hosts: [] }, /hosts is/],
  [{ hosts: ['a:0'] }, /host "a:0"/],
  [{ hosts: ['a:70000'] }, /host "a:70000"/],
  [{ hosts: ['https://a', 'b'] }, /partly https/],
  [{ hosts: 7 }, /hosts is 7/],
  [{ host: 'a' }, /unknown option "host"/],
  [{ auth: { username: '', password: 'x' } }, /auth.username/],
  [{ auth: { username: 'x' } }, /auth.password/],
  [{ credentials: { rootCertificate: 'PEM' } }, /credentials must be/],
  [{ credentials: { rootCertificate: Buffer.from('x'), privateKey: Buffer.from('x') } }, /go together/],
  [{ grpcOptions: 7 }, /grpcOptions/],
  [{ prefix: 7 }, /prefix is 7/],
  [{ prefix: '\ud800' }, /prefix/],
  [{ client: {} }, /client of etcd3/],
  [{ client: { kv: {}, leaseClient: {}, watchClient: {} }, hosts: 'a' }, /hosts is given beside client/],
  [7, /etcdBackend was given 7/],
  [null, /etcdBackend was given null/],
])('%j is a TypeError that says what is wrong', (given, message) => {
  expect(() => etcdBackend(given as never)).toThrow(TypeError)
  expect(() => etcdBackend(given as never)).toThrow(message as RegExp)
})

test('a password is in no message', () => {
  for (const url of ['etcd://ada:secret@a b', 'etcd://ada:secret@a:1?x=y', 'etcd://ada:secret%@a'])
    expect(() => etcdBackend(url)).toThrow(expect.objectContaining({ message: expect.not.stringContaining('secret') }))
})

test('minTtl is whole seconds, and the shortest ttl', () => {
  expect(etcdBackend().capabilities.ttl.min).toBe(2_000)
  expect(etcdBackend({ minTtl: 5_000 }).capabilities.ttl.min).toBe(5_000)
  for (const minTtl of [0, 500, 1_500, -1_000, Number.NaN, Number.POSITIVE_INFINITY])
    expect(() => etcdBackend({ minTtl })).toThrow(RangeError)
})

test('undefined options are the defaults', () => {
  expect(etcdBackend({ hosts: undefined, auth: undefined, prefix: undefined, minTtl: undefined }).location).toBe(
    '127.0.0.1:2379',
  )
})
