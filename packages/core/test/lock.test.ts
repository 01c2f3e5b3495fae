import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import {
  acquireAll,
  createLocks,
  type Lease,
  Lock,
  LockBackendError,
  type LockKey,
  LockLostError,
  LockNotHeldError,
  LockTimeoutError,
  lockKey,
  memoryBackend,
  type RecordWrite,
  ReentrantLock,
  type RenewRequest,
  recordBackend,
  Semaphore,
} from '../src/index.ts'
import { MemoryStore } from '../src/memory-backend.ts'
import { systemRuntime } from '../src/runtime.ts'

const backend = memoryBackend()
let names = 0
const freshName = () => `lock ${++names}`
const fresh = (options = {}) => new Lock(freshName(), { backend, ...options })
const breakTwin = (lock: Lock) => new Lock(lock.name, { backend }).forceRelease()

describe('threading style', () => {
  test('release and renew act on the newest unreleased lease of the object', async () => {
    const lock = fresh()
    await expect(lock.release()).rejects.toThrow(LockNotHeldError)
    await expect(lock.renew()).rejects.toThrow(LockNotHeldError)
    await lock.acquire()
    await lock.renew(60_000)
    expect(await lock.locked()).toBe(true)
    expect(await lock.release()).toBe(true)
    expect(await lock.locked()).toBe(false)
    await expect(lock.release()).rejects.toThrow(/no unreleased lease was taken through this object/)
  })

  test('a lease released on its own is not released again by its lock', async () => {
    const lock = fresh()
    const lease = await lock.acquire()
    await lease.release()
    await expect(lock.release()).rejects.toThrow(LockNotHeldError)
  })

  test('many leases through one object are not kept', async () => {
    const lock = fresh()
    for (let turn = 0; turn < 100; turn += 1) await (await lock.acquire()).release()
    await expect(lock.renew()).rejects.toThrow(LockNotHeldError)
  })
})

test('a lock keeps only the leases that are out, however long one of them stays', async () => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  const semaphore = new Semaphore(freshName(), 3, { backend })
  const long = await semaphore.acquire()
  const others: WeakRef<Lease>[] = []
  let last = await semaphore.acquire()
  for (let turn = 0; turn < 500; turn += 1) {
    // One is always out, so that the ended ones are never the newest.
    const next = await semaphore.acquire()
    await last.release()
    others.push(new WeakRef(last))
    last = next
  }
  await last.release()
  await new Promise((resolve) => setImmediate(resolve))
  gc()
  expect(others.filter((lease) => lease.deref() !== undefined).length).toBeLessThan(100)
  expect(await long.release()).toBe(true)
})

test('a damaged record counts as held in a list', async () => {
  const store = new MemoryStore(systemRuntime)
  const key = lockKey('', 'damaged')
  const { version } = await store.read(key)
  await store.write(key, version, {
    value: 'junk',
    fence: 0n,
    holders: [],
    moved: true,
    keepFor: 0,
    essence: () => 'junk',
  })
  const locks = createLocks({ backend: recordBackend(store) })
  const lease = await locks.lock('sound').acquire()
  expect(await locks.list()).toEqual(['damaged', 'sound'])
  await lease.release()
})

describe('a timeout', () => {
  test('names the lock, the backend, the holder, its age and how to look', async () => {
    const lock = fresh({ metadata: 'web-1:4711' })
    const lease = await lock.acquire()
    const waiting = lock.acquire({ timeout: 30 })
    await expect(waiting).rejects.toThrow(LockTimeoutError)
    await expect(waiting).rejects.toThrow(
      /^lock "lock \d+" on memory #1: not acquired within \d+ ms: held by web-1:4711 \(owner [\w-]{11}, exclusive, for \d+ ms, fencing token \d+\); `locks status "lock \d+"` or inspect\(\) shows it$/,
    )
    await expect(lock.acquire({ timeout: 0 })).rejects.toThrow(/not acquired at once: held by web-1/)
    expect(await lock.tryAcquire({ timeout: 20 })).toBeNull()
    await lease.release()
  })
})

test('a backend is told whole milliseconds, however a timeout was given and however much of it has passed', async () => {
  const store = new MemoryStore(systemRuntime)
  const heard: number[] = []
  const told = <Args extends readonly unknown[], T>(call: (...args: Args) => Promise<T>) => {
    return (...args: Args): Promise<T> => {
      heard.push(args.at(-1) as number)
      // The first call fails, and is made again with what is left of the time.
      return heard.length === 1 ? Promise.reject(new Error('not now')) : call(...args)
    }
  }
  const { name, location, clock, ttl, guarantee, watch, names } = store
  const traits = { name, location, clock, ttl, guarantee, watch, names, presence: null, queue: 'fifo' } as const
  const whole = recordBackend({
    ...traits,
    pollInterval: 50,
    idleRecords: 'remove',
    read: told((key: LockKey, _timeout: number) => store.read(key)),
    write: told((key: LockKey, version: number, record: RecordWrite, _timeout: number) =>
      store.write(key, version, record),
    ),
    remove: told((key: LockKey, version: number, fence: bigint, _timeout: number) => store.remove(key, version, fence)),
    sweep: () => Promise.resolve(),
    close: () => Promise.resolve(),
  })
  const lock = new Lock(freshName(), { backend: whole, requestTimeout: 900.4 })
  const lease = await lock.acquire({ timeout: 500.7 })
  await lease.renew()
  expect(await lock.tryAcquire({ timeout: 20.3 })).toBeNull()
  await lease.release()
  expect(heard.length).toBeGreaterThan(4)
  expect(heard.filter((timeout) => !Number.isInteger(timeout))).toEqual([])
})

describe('using', () => {
  test('passes on what the body returns, and always releases', async () => {
    const lock = fresh()
    expect(await lock.using(async (lease) => lease.held)).toBe(true)
    await expect(
      lock.using(() => {
        throw new Error('body')
      }),
    ).rejects.toThrow('body')
    expect(await lock.locked()).toBe(false)
  })

  test("rejects with LockLostError and the body's result when the lease was lost meanwhile", async () => {
    const lock = fresh()
    const losing = lock.using(async () => {
      await breakTwin(lock)
      return 'result'
    })
    await expect(losing).rejects.toMatchObject({ code: 'LOCK_LOST', value: 'result' })
    await expect(losing).rejects.toBeInstanceOf(LockLostError)
  })

  test("lets the body's own error win over a loss and over a failing release", async () => {
    const lock = fresh()
    const lost = lock.using(async () => {
      await breakTwin(lock)
      throw new Error('body')
    })
    await expect(lost).rejects.toThrow('body')

    const store = new MemoryStore(systemRuntime)
    const failing = new Lock('failing', { backend: recordBackend(store), requestTimeout: 50 })
    const breakStore = () => {
      store.read = () => Promise.reject(new Error('store is down'))
      store.remove = () => Promise.reject(new Error('store is down'))
    }
    await expect(
      failing.using(() => {
        breakStore()
        throw new Error('body')
      }),
    ).rejects.toThrow('body')
  })

  test("rejects with LockBackendError and the body's result when only the release failed", async () => {
    const store = new MemoryStore(systemRuntime)
    const lock = new Lock('failing', { backend: recordBackend(store), requestTimeout: 50 })
    const using = lock.using(() => {
      store.remove = () => Promise.reject(new Error('store is down'))
      return 'result'
    })
    await expect(using).rejects.toMatchObject({ code: 'LOCK_BACKEND', value: 'result' })
    await expect(using).rejects.toThrow(/releasing failed: store is down/)
    await expect(using).rejects.toBeInstanceOf(LockBackendError)
  })

  test('accepts a body that releases or detaches by itself', async () => {
    const lock = fresh()
    expect(await lock.using(async (lease) => lease.release())).toBe(true)
    const json = await lock.using((lease) => lease.detach())
    expect(await lock.locked()).toBe(true)
    await (await Lock.attach(json, { backend })).release()
  })

  test('refuses a body that is no function', async () => {
    await expect(fresh().using('x' as unknown as () => void)).rejects.toThrow(TypeError)
  })
})

describe('a lease', () => {
  test('repeats the first answer of its release', async () => {
    const lock = fresh()
    const lease = await lock.acquire()
    expect(await Promise.all([lease.release(), lease.release()])).toEqual([true, true])
    const other = await lock.acquire()
    expect(await lease.release()).toBe(true)
    expect(other.held).toBe(true)
    await other.release()
  })

  test('renewed after its release rejects with LockNotHeldError', async () => {
    const lease = await fresh().acquire()
    await lease.release()
    await expect(lease.renew()).rejects.toThrow(LockNotHeldError)
    expect(() => lease.assertHeld()).toThrow(LockNotHeldError)
    expect(lease.signal.aborted).toBe(false)
    expect(lease.remaining).toBe(0)
  })

  test('is released at the end of its scope', async () => {
    const lock = fresh()
    {
      await using lease = await lock.acquire()
      expect(lease.held).toBe(true)
    }
    expect(await lock.locked()).toBe(false)
  })

  test('whose attach got no answer can be attached again', async () => {
    const store = new MemoryStore(systemRuntime)
    const inner = recordBackend(store)
    const lease = await new Lock('travels', { backend: inner }).acquire()
    const json = await lease.detach()
    let lose = true
    const lossy = Object.assign(recordBackend(store), {
      renew: async (request: RenewRequest) => {
        const answer = await inner.renew(request)
        if (lose) throw new Error('the answer was lost')
        return answer
      },
    })
    await expect(Lock.attach(json, { backend: lossy, requestTimeout: 50 })).rejects.toThrow('the answer was lost')
    lose = false
    const attached = await Lock.attach(json, { backend: lossy })
    expect(attached.fencingToken).toBe(lease.fencingToken)
    await expect(Lock.attach(json, { backend: lossy })).rejects.toThrow(LockLostError)
    expect(await attached.release()).toBe(true)
  })

  test('handed over is refused when it was tampered with, naming the part', async () => {
    const lease = await fresh().acquire()
    const json = await lease.detach()
    await expect(Lock.attach({ ...json, mode: 'x' as 'shared' }, { backend })).rejects.toThrow(/its mode is "x"/)
    await expect(Lock.attach('{', { backend })).rejects.toThrow(/no JSON/)
    await expect(Lock.attach({ ...json, token: '' }, { backend })).rejects.toThrow(TypeError)
    const attached = await Lock.attach(JSON.stringify(json), { backend })
    expect(attached.fencingToken).toBe(lease.fencingToken)
    expect(attached.owner).toBe(lease.owner)
    expect(await attached.release()).toBe(true)
  })
})

test('forceRelease is noticed at once by holders of this process, and hands no broken hold on', async () => {
  const lock = fresh()
  const lease = await lock.acquire()
  const { signal } = lease
  const next = lock.acquire()
  expect(await lock.forceRelease()).toBe(true)
  expect(signal.aborted).toBe(true)
  expect(await lease.release()).toBe(false)
  const successor = await next
  expect(successor.fencingToken).toBeGreaterThan(lease.fencingToken)
  await successor.release()
})

test('tokens of a semaphore rise in the order of the grants, whoever releases first', async () => {
  const semaphore = new Semaphore(freshName(), 2, { backend })
  const [a, b] = [await semaphore.acquire(), await semaphore.acquire()]
  const third = semaphore.acquire()
  await a.release()
  const c = await third
  expect(c.fencingToken).toBeGreaterThan(b.fencingToken)
  await Promise.all([b.release(), c.release()])
})

describe('local hand-off', () => {
  test('gives each task a fencing token of its own, rising, and each its turn', async () => {
    const lock = fresh({ timeout: 20_000 })
    const tokens: bigint[] = []
    let inside = 0
    await Promise.all(
      Array.from({ length: 300 }, () =>
        lock.using(async ({ fencingToken }) => {
          inside += 1
          expect(inside).toBe(1)
          tokens.push(fencingToken)
          await Promise.resolve()
          inside -= 1
        }),
      ),
    )
    expect(tokens).toHaveLength(300)
    expect(tokens.every((token, index) => index === 0 || token > (tokens[index - 1] ?? 0n))).toBe(true)
  })

  test('ends for others after a bounded time: a second client gets its turn while tasks keep coming', async () => {
    const store = new MemoryStore(systemRuntime)
    const name = freshName()
    const busy = new Lock(name, { backend: recordBackend(store), timeout: 20_000 })
    const other = new Lock(name, { backend: recordBackend(store), timeout: 20_000 })
    let stop = false
    const hog = async () => {
      while (!stop) await busy.using(() => new Promise((resolve) => setTimeout(resolve, 1)))
    }
    const hogs = Array.from({ length: 8 }, hog)
    for (let turn = 0; turn < 5; turn += 1) await other.using(() => undefined, { timeout: 2_000 })
    stop = true
    await Promise.all(hogs)
  })

  test('does not let a late task of this process pass one of another that waits, once a hold was long', async () => {
    const store = new MemoryStore(systemRuntime)
    const name = freshName()
    const here = new Lock(name, { backend: recordBackend(store) })
    const there = new Lock(name, { backend: recordBackend(store) })
    const lease = await here.acquire()
    const order: string[] = []
    const other = there.using(() => order.push('other'))
    await expect.poll(async () => (await there.inspect()).waiters).toBe(1)
    const late = here.using(() => order.push('late'))
    const started = performance.now()
    await expect.poll(() => performance.now() - started).toBeGreaterThan(15)
    await lease.release()
    await Promise.all([other, late])
    expect(order).toEqual(['other', 'late'])
  })

  test('does not pass on a lease that was lost', async () => {
    const lock = fresh()
    const lease = await lock.acquire()
    const next = lock.acquire()
    await breakTwin(lock)
    const successor = await next
    expect(await lease.release()).toBe(false)
    expect(successor.held).toBe(true)
    expect(await successor.release()).toBe(true)
  })

  test('of a task that gave up leaves no place in the queue', async () => {
    const store = new MemoryStore(systemRuntime)
    const name = freshName()
    const first = new Lock(name, { backend: recordBackend(store) })
    const second = new Lock(name, { backend: recordBackend(store) })
    const lease = await first.acquire()
    const controller = new AbortController()
    const aborted = second.acquire({ signal: controller.signal })
    await expect.poll(async () => (await first.inspect()).waiters).toBe(1)
    controller.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    await expect.poll(async () => (await first.inspect()).waiters).toBe(0)
    await lease.release()
  })

  test('waiters of this process count in inspect', async () => {
    const lock = fresh()
    const lease = await lock.acquire()
    const waiting = [lock.acquire(), lock.acquire(), lock.acquire()]
    await expect.poll(async () => (await lock.inspect()).waiters).toBe(3)
    await lease.release()
    for (const next of waiting) await (await next).release()
  })
})

test.each([0, 10_000])(
  'an abort at any moment leaves no hold behind, and none with two (timeout %d)',
  async (timeout) => {
    for (let steps = 0; steps < 80; steps += 1) {
      const lock = fresh({ timeout })
      let inside = 0
      const turn = async (acquiring: Promise<Lease>): Promise<void> => {
        const lease = await acquiring.catch(() => null)
        if (lease === null) return
        inside += 1
        expect(inside).toBe(1)
        await new Promise((resolve) => setImmediate(resolve))
        inside -= 1
        expect(await lease.release()).toBe(true)
      }
      const controller = new AbortController()
      const aborted = turn(lock.acquire({ signal: controller.signal }))
      for (let step = 0; step < steps; step += 1) await Promise.resolve()
      controller.abort()
      const next = turn(lock.acquire({ timeout: 10_000 }))
      const other = turn(new Lock(lock.name, { backend, metadata: 'in another line' }).acquire())
      await Promise.all([aborted, next, other])
      expect(await lock.locked()).toBe(false)
    }
  },
)

test('closing rejects an attempt under way, and leaves no lease that nobody can release', async () => {
  for (let steps = 0; steps < 40; steps += 1) {
    const store = new MemoryStore(systemRuntime)
    const locks = createLocks({ backend: recordBackend(store) })
    const attempt = locks
      .lock('a')
      .tryAcquire()
      .catch((error: unknown) => error)
    for (let step = 0; step < steps; step += 1) await Promise.resolve()
    await locks.close()
    const outcome = await attempt
    if (outcome instanceof Error) expect(outcome).toBeInstanceOf(LockBackendError)
    else expect((outcome as Lease).held).toBe(false)
    expect(await new Lock('a', { backend: recordBackend(store) }).locked()).toBe(false)
  }
})

describe('ReentrantLock', () => {
  test('re-enters in the async context of its body, under the same lease', async () => {
    const lock = new ReentrantLock(freshName(), { backend, timeout: 200 })
    const twin = new ReentrantLock(lock.name, { backend, timeout: 200 })
    await lock.using(async (outer) => {
      await Promise.resolve()
      await twin.using(async (inner) => {
        expect(inner).toBe(outer)
        expect(await lock.using(() => 'deep')).toBe('deep')
      })
      expect(outer.held).toBe(true)
    })
    expect(await lock.locked()).toBe(false)
  })

  test('a bare acquire does not re-enter, and neither does another context', async () => {
    const lock = new ReentrantLock(freshName(), { backend })
    await lock.using(async () => {
      expect(await lock.tryAcquire()).toBeNull()
    })
    let inside = 0
    await Promise.all(
      Array.from({ length: 5 }, () =>
        lock.using(async () => {
          inside += 1
          expect(inside).toBe(1)
          await new Promise((resolve) => setTimeout(resolve, 1))
          inside -= 1
        }),
      ),
    )
  })

  test('is released only when nested bodies that nobody awaited have settled, and not re-entered after that', async () => {
    const lock = new ReentrantLock(freshName(), { backend })
    let nested: Promise<Lease> | undefined
    let later: (() => Promise<boolean>) | undefined
    await lock.using(() => {
      nested = lock.using(async (lease) => {
        await new Promise((resolve) => setTimeout(resolve, 20))
        expect(lease.held).toBe(true)
        return lease
      })
      const go = Promise.withResolvers<void>()
      const task = go.promise.then(() => lock.using((lease) => lease.held))
      later = () => {
        go.resolve()
        return task
      }
    })
    const old = await nested
    expect(old?.held).toBe(false)
    expect(await later?.()).toBe(true)
  })

  test('nobody enters a hold that is about to be released', async () => {
    for (let steps = 0; steps < 20; steps += 1) {
      const lock = new ReentrantLock(freshName(), { backend })
      let inside = 0
      const section = async (): Promise<void> => {
        inside += 1
        expect(inside).toBe(1)
        await new Promise((resolve) => setImmediate(resolve))
        inside -= 1
      }
      const go = Promise.withResolvers<void>()
      let straggler: Promise<void> | undefined
      const outer = lock.using(() => {
        straggler = go.promise.then(() => lock.using(section))
      })
      for (let step = 0; step < steps; step += 1) await Promise.resolve()
      go.resolve()
      await Promise.all([outer, new Lock(lock.name, { backend }).using(section)])
      await straggler
    }
  })

  test('a nested using after the body released the lock waits like anybody else', async () => {
    const lock = new ReentrantLock(freshName(), { backend })
    await lock.using(async (outer) => {
      await outer.release()
      await lock.using((inner) => expect(inner).not.toBe(outer))
    })
  })

  test('re-entry after a loss rejects with LockLostError', async () => {
    const lock = new ReentrantLock(freshName(), { backend })
    const losing = lock.using(async (lease) => {
      await breakTwin(lock)
      await expect(lease.renew()).rejects.toThrow(LockLostError)
      await expect(lock.using(() => 'never')).rejects.toThrow(LockLostError)
    })
    await expect(losing).rejects.toThrow(LockLostError)
  })
})

describe('acquireAll', () => {
  test('takes all in one order, whatever the order given, without deadlock', async () => {
    const [a, b, c] = [fresh(), fresh(), fresh()]
    let inside = 0
    const take = async (locks: Lock[]) => {
      await using leases = await acquireAll(locks, { timeout: 10_000 })
      expect(leases.leases.map(({ name }) => name)).toEqual(locks.map(({ name }) => name))
      inside += 1
      expect(inside).toBe(1)
      await new Promise((resolve) => setTimeout(resolve, 1))
      inside -= 1
    }
    await Promise.all([take([a, b, c]), take([c, b, a]), take([b, c, a]), take([c, a, b])])
  })

  test('takes none if one cannot be had', async () => {
    const [a, b] = [fresh(), fresh()]
    const held = await b.acquire()
    await expect(acquireAll([a, b], { timeout: 50 })).rejects.toThrow(LockTimeoutError)
    expect(await a.locked()).toBe(false)
    await held.release()
    const all = await acquireAll([a, b])
    expect(all.held).toBe(true)
    expect(await all.release()).toBe(true)
    expect(all.held).toBe(false)
  })

  test('refuses the same lock twice', async () => {
    const lock = fresh()
    await expect(acquireAll([lock, new Lock(lock.name, { backend })])).rejects.toThrow(TypeError)
    await expect(acquireAll([lock, 'x' as unknown as Lock])).rejects.toThrow(TypeError)
  })

  test('starts over when one is lost while the rest is waited for', async () => {
    const [a, b] = [fresh({ ttl: 300 }), fresh()]
    const held = await b.acquire()
    const all = acquireAll([a, b], { timeout: 10_000 })
    await expect.poll(async () => (await b.inspect()).waiters).toBe(1)
    await breakTwin(a)
    const thief = await new Lock(a.name, { backend }).acquire()
    await expect.poll(async () => (await a.inspect()).waiters).toBe(1)
    await held.release()
    expect(await b.locked()).toBe(false)
    await thief.release()
    const leases = await all
    expect(leases.held).toBe(true)
    await leases.release()
  })

  test('aborts its signal when one of them is lost', async () => {
    const [a, b] = [fresh(), fresh({ ttl: 300 })]
    const all = await acquireAll([a, b])
    await breakTwin(b)
    await expect.poll(() => all.signal.aborted).toBe(true)
    expect(all.held).toBe(false)
    expect(await all.release()).toBe(false)
    expect(await a.locked()).toBe(false)
  })
})
