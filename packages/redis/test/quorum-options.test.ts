import { Cluster, Redis } from 'ioredis'
import { Redis as Iovalkey } from 'iovalkey'
import { createClient, createCluster, createSentinel } from 'redis'
import { describe, expect, test } from 'vitest'
import { redisBackend, redisQuorumBackend } from '../src/index.ts'

const THREE = ['redis://a', 'redis://b:7000', { host: 'c', port: 7001, password: 'secret' }] as const
const given = (nodes: unknown, options?: unknown) => () => redisQuorumBackend(nodes as [], options as undefined)

test('its location names all servers, without secrets', async () => {
  const backend = redisQuorumBackend(THREE)
  expect(backend.name).toBe('redis-quorum')
  expect(backend.location).toBe('a:6379,b:7000,c:7001')
  await backend.close()
})

test('it declares what a majority can do, and no more', () => {
  const { modes, queue, wakeup, ttl } = redisQuorumBackend(THREE).capabilities
  expect({ modes, queue, wakeup, infinite: ttl.infinite }).toEqual({
    modes: ['exclusive', 'shared'],
    queue: 'none',
    wakeup: 'poll',
    infinite: false,
  })
})

test('a client of any of the libraries is a server', () => {
  const one = new Redis(7_000, 'a', { lazyConnect: true })
  const two = new Iovalkey(7_000, 'b', { lazyConnect: true })
  const three = createClient({ url: 'redis://c:7000' })
  expect(redisQuorumBackend([one, two, { client: three }]).location).toBe('a:7000,b:7000,c:7000')
})

test.for([
  ['a Cluster of ioredis', () => new Cluster([{ host: 'a', port: 1 }], { lazyConnect: true })],
  ['one of node-redis', () => createCluster({ rootNodes: [{ url: 'redis://a:1' }] })],
  ['Sentinels by ioredis', () => new Redis({ sentinels: [{ host: 'a', port: 1 }], name: 'm', lazyConnect: true })],
  ['by node-redis', () => createSentinel({ name: 'm', sentinelRootNodes: [{ host: 'a', port: 1 }] })],
] as const)('a client that is not of one server is refused: %s', ([, open]) => {
  expect(() => redisQuorumBackend([open()])).toThrow(/nodes\[0\]: .* one server, independent/)
})

describe('refused', () => {
  test.each([
    ['no list', 'redis://a', TypeError, /list of servers/],
    ['an empty list', [], TypeError, /list of servers/],
    ['nothing in the list', ['redis://a', undefined], TypeError, /nodes\[1\] is undefined/],
    ['an unknown option of a server', [{ hots: 'a' }], TypeError, /nodes\[0\]: unknown option "hots"/],
    ['a port out of range', ['redis://a', { port: 70_000 }], RangeError, /nodes\[1\]: port is 70000/],
    [
      'the same server twice',
      ['redis://a', 'redis://b', { host: 'a' }],
      TypeError,
      /nodes\[0\] and nodes\[2\] are the same/,
    ],
    ['a prefix of one server', [{ host: 'a', prefix: 'x:' }], TypeError, /nodes\[0\]: it has a prefix/],
    ['a prefix in a URL', ['redis://a?prefix=x:'], TypeError, /nodes\[0\]: it has a prefix/],
    ['a Cluster', [{ cluster: [{ host: 'a', port: 1 }] }], TypeError, /one server, independent/],
    ['a Cluster by URL', ['redis://a,b?cluster=true'], TypeError, /one server, independent/],
    ['Sentinels', [{ sentinels: [{ host: 'a', port: 1 }], name: 'm' }], TypeError, /one server, independent/],
    ['Sentinels by URL', ['redis://a?sentinel=m'], TypeError, /one server, independent/],
    ['another backend', [redisBackend()], TypeError, /nodes\[0\]/],
  ])('%s', (_, nodes, kind, message) => {
    expect(given(nodes)).toThrow(kind)
    expect(given(nodes)).toThrow(message)
  })

  test.each([
    ['an unknown option', { nodeTimeuot: 1 }, TypeError, /unknown option "nodeTimeuot"/],
    ['no time for a server', { nodeTimeout: 0 }, RangeError, /nodeTimeout is 0/],
    ['a fraction', { nodeTimeout: 1.5 }, RangeError, /nodeTimeout is 1.5/],
    ['a prefix with empty braces', { prefix: 'a{}' }, TypeError, /prefix/],
    ['options that are none', 5, TypeError, /must be an object/],
  ])('%s', (_, options, kind, message) => {
    expect(given(THREE, options)).toThrow(kind)
    expect(given(THREE, options)).toThrow(message)
  })
})
