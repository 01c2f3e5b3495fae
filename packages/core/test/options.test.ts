import { describe, expect, test } from 'vitest'
import {
  backendFromUrl,
  configure,
  createLocks,
  Lock,
  LockBackendError,
  LockError,
  type LockOptions,
  LockUnsupportedError,
  memoryBackend,
  ReadWriteLock,
  recordBackend,
  registerBackend,
  Semaphore,
} from '../src/index.ts'
import { MemoryStore } from '../src/memory-backend.ts'
import { VirtualTime } from './virtual-time.ts'

const backend = memoryBackend()
const bad = (options: unknown) => () => new Lock('a', options as LockOptions)

describe('names', () => {
  test.each([
    ['', TypeError, /name is empty/],
    ['\ud800', TypeError, /lone surrogate/],
    [42, TypeError, /name is 42: it must be a string/],
    [undefined, TypeError, /name is undefined/],
    ['x'.repeat(1_025), RangeError, /1025 bytes.*at most 1024/],
    ['é'.repeat(513), RangeError, /1026 bytes/],
  ])('%j is refused by the constructor', (name, type, message) => {
    const make = () => new Lock(name as string, { backend })
    expect(make).toThrow(type)
    expect(make).toThrow(message)
    expect(() => new ReadWriteLock(name as string, { backend })).toThrow(type)
    expect(() => new Semaphore(name as string, 1, { backend })).toThrow(type)
  })

  test('a namespace outside of its alphabet is refused, naming it', () => {
    expect(bad({ namespace: 'a/b' })).toThrow(/namespace is "a\/b": allowed are letters, digits/)
  })
})

describe('options', () => {
  test.each<[unknown, typeof TypeError | typeof RangeError, RegExp]>([
    [{ ttl: null }, TypeError, /ttl is null.*use Infinity/],
    [{ ttl: 0 }, RangeError, /ttl is 0: it must be a number of milliseconds above 0/],
    [{ ttl: Number.NaN }, RangeError, /ttl is NaN/],
    [{ ttl: '30s' }, TypeError, /ttl is "30s"/],
    [{ timeout: -1 }, RangeError, /timeout is -1.*use Infinity/],
    [{ timeout: null }, TypeError, /timeout is null.*use Infinity/],
    [{ requestTimeout: Number.POSITIVE_INFINITY }, RangeError, /requestTimeout is Infinity/],
    [{ autoRenew: 1 }, TypeError, /autoRenew is 1: it must be true or false/],
    [{ fair: 'yes' }, TypeError, /fair is "yes": it must be true, false or 'strict'/],
    [{ metadata: 1 }, TypeError, /metadata is 1/],
    [{ metadata: 'x'.repeat(1_025) }, RangeError, /metadata has 1025 bytes/],
    [{ signal: {} }, TypeError, /signal is an object: it must be an AbortSignal/],
    [{ backend: {} }, TypeError, /backend is an object: it must be a backend/],
    [{ tll: 1 }, TypeError, /option "tll" is unknown: known are ttl, timeout/],
    [{ constructor: 1 }, TypeError, /option "constructor" is unknown/],
    ['x', TypeError, /options is "x"/],
    [null, TypeError, /options is null/],
  ])('%j is refused, naming the option, its value and what is allowed', (options, type, message) => {
    expect(bad(options)).toThrow(type)
    expect(bad(options)).toThrow(message)
  })

  test('undefined means the default', async () => {
    const lock = new Lock('undefined', { backend, ttl: undefined, namespace: undefined })
    const lease = await lock.acquire({ ttl: undefined, timeout: undefined })
    expect(lease.remaining).toBeGreaterThan(29_000)
    await lease.release()
  })

  test("a call's option beats the lock's, the lock's the configured one", async () => {
    configure({ ttl: 50_000 })
    try {
      const remaining = async (own: LockOptions, call: LockOptions) => {
        const lease = await new Lock('layers', { backend, ...own }).acquire(call)
        const { remaining: left } = lease
        await lease.release()
        return Math.round(left / 10_000)
      }
      expect(await remaining({}, {})).toBe(5)
      expect(await remaining({ ttl: 40_000 }, {})).toBe(4)
      expect(await remaining({ ttl: 40_000 }, { ttl: 20_000 })).toBe(2)
    } finally {
      configure({ ttl: undefined })
    }
  })

  test.each<[unknown, RegExp]>([
    [false, /acquire\(false\).*tryAcquire\(\)/],
    [5_000, /acquire\(5000\).*acquire\(\{ timeout: 5000 \}\)/],
    [AbortSignal.abort(), /acquire\(signal\).*acquire\(\{ signal \}\)/],
    [{ backend }, /option "backend" is unknown/],
  ])('acquire(%j) is refused with what to write instead', async (options, message) => {
    const acquiring = new Lock('habit', { backend }).acquire(options as object)
    await expect(acquiring).rejects.toThrow(TypeError)
    await expect(acquiring).rejects.toThrow(message)
  })

  test('a ttl outside of what the backend takes is refused before anything is sent', async () => {
    const lock = new Lock('short', { backend, ttl: 1 })
    await expect(lock.acquire()).rejects.toThrow(RangeError)
    await expect(lock.acquire()).rejects.toThrow(/ttl is 1: memory takes from 10 to \d+ ms, or Infinity/)
    const lease = await lock.acquire({ ttl: 1_000 })
    await expect(lease.renew(1)).rejects.toThrow(RangeError)
    await expect(lease.renew(null as unknown as number)).rejects.toThrow(/use Infinity/)
    await lease.release()
  })

  test('maxHold without an end of the ttl is refused: nothing would run out', async () => {
    const lock = new Lock('endless', { backend, ttl: Number.POSITIVE_INFINITY, maxHold: 1_000 })
    await expect(lock.acquire()).rejects.toThrow(/maxHold is 1000: a lease with ttl Infinity never runs out/)
  })

  test.each([0, -1, 1.5, 1_000_001, Number.NaN])('a semaphore of %d permits is refused', (permits) => {
    expect(() => new Semaphore('s', permits, { backend })).toThrow(RangeError)
  })

  test('fair waiting where there is no queue is refused as unsupported', async () => {
    const time = new VirtualTime()
    const store = Object.assign(new MemoryStore(time), { queue: 'none' as const })
    const unfair = recordBackend(store)
    await expect(new Lock('a', { backend: unfair, fair: true }).acquire()).rejects.toThrow(LockUnsupportedError)
    const lease = await new Lock('a', { backend: unfair }).acquire()
    expect(lease.held).toBe(true)
    await lease.release()
  })
})

describe('configuration', () => {
  test('a lock without a backend says how to give one', async () => {
    const acquiring = new Lock('unconfigured').acquire()
    await expect(acquiring).rejects.toMatchObject({ name: 'LockError', code: 'LOCK_UNCONFIGURED' })
    await expect(acquiring).rejects.toThrow(/configure\(\{ backend \}\)/)
    await expect(acquiring).rejects.toBeInstanceOf(LockError)
  })

  test('what is configured later counts at the next acquire, and namespace "" unsets it', async () => {
    const lock = new Lock('late')
    const bare = new Lock('late', { namespace: '' })
    configure({ backend, namespace: 'configured' })
    try {
      const lease = await lock.acquire()
      expect(await new Lock('late', { backend, namespace: 'configured' }).locked()).toBe(true)
      const other = await bare.tryAcquire()
      expect(other).not.toBeNull()
      await other?.release()
      await lease.release()
    } finally {
      configure({ backend: undefined, namespace: undefined })
    }
    await expect(lock.acquire()).rejects.toMatchObject({ code: 'LOCK_UNCONFIGURED' })
  })

  test('one URL is one backend per process', async () => {
    const lease = await new Lock('url', { backend: 'memory:' }).acquire()
    expect(await new Lock('url', { backend: 'memory:' }).tryAcquire()).toBeNull()
    await lease.release()
  })

  test('backendFromUrl makes a new one each time, of registered schemes only', () => {
    expect(backendFromUrl('memory:')).not.toBe(backendFromUrl('memory:'))
    expect(() => backendFromUrl('nosuch://x')).toThrow(/scheme "nosuch": registered are "memory:"/)
    expect(() => backendFromUrl('localhost')).toThrow(/no scheme/)
    expect(() => backendFromUrl('memory:x')).toThrow(TypeError)
    registerBackend('options-test', (url) => Object.assign(memoryBackend(), { url }))
    expect(backendFromUrl('options-test://a')).toHaveProperty('url', 'options-test://a')
    expect(() => registerBackend('A:', memoryBackend)).toThrow(/scheme is "A:"/)
    registerBackend('options-broken', () => ({}) as ReturnType<typeof memoryBackend>)
    expect(() => backendFromUrl('options-broken:')).toThrow(/returned no backend/)
  })

  test('createLocks gives its locks the common options, closes the backend, and loses what is held', async () => {
    const locks = createLocks({ backend: memoryBackend(), namespace: 'common', ttl: 60_000 })
    const lease = await locks.lock('a').acquire()
    expect(lease.remaining).toBeGreaterThan(58_000)
    expect(await locks.using('b', async () => locks.list())).toEqual(['a', 'b'])
    expect(await locks.list('b')).toEqual([])
    const waiting = locks.lock('a').acquire()
    const settled = expect(waiting).rejects.toThrow(LockBackendError)
    await locks.close()
    await settled
    expect(lease.held).toBe(false)
    expect(lease.signal.aborted).toBe(true)
    await expect(locks.lock('a').acquire()).rejects.toThrow(/has been closed/)
  })

  test('a closed URL backend is made anew at the next use', async () => {
    const lock = new Lock('outlives', { backend: 'memory:' })
    await (await lock.acquire()).release()
    await createLocks({ backend: 'memory:' }).close()
    expect(await (await lock.acquire()).release()).toBe(true)
    const locks = createLocks({ backend: 'memory:' })
    await locks.using('x', () => undefined)
    await locks.close()
    await locks.using('x', () => undefined)
  })
})
