import { runInNewContext } from 'node:vm'
import { beforeEach, describe, expect, test } from 'vitest'
import { type AcquireRequest, type LockBackend, LockBackendError, lockKey, recordBackend } from '../../src/index.ts'
import { MemoryStore } from '../../src/memory-backend.ts'
import type { RecordStore } from '../../src/record/store.ts'
import { VirtualTime } from '../virtual-time.ts'
import { request as requestOf } from './clock.ts'

type Store = RecordStore<number>

const key = lockKey('', 'x')
const timeout = 1_000
const request = (who: string, change: Partial<AcquireRequest> = {}) => requestOf(who, { key, wait: null, ...change })

let time: VirtualTime
let memory: MemoryStore

beforeEach(() => {
  time = new VirtualTime()
  memory = new MemoryStore(time)
})

/** A client of the shared memory, parts of whose store are replaced. */
function client(parts: Partial<Store> = {}): LockBackend {
  const store: Store = {
    name: 'memory',
    location: 'here',
    clock: memory.clock,
    presence: null,
    ttl: memory.ttl,
    queue: 'fifo',
    pollInterval: 1_000,
    idleRecords: 'remove',
    guarantee: memory.guarantee,
    watch: memory.watch,
    names: memory.names,
    read: (place) => memory.read(place),
    write: (place, version, record) => memory.write(place, version, record),
    remove: (place, version, fence) => memory.remove(place, version, fence),
    sweep: () => Promise.resolve(),
    close: () => Promise.resolve(),
    ...parts,
  }
  return recordBackend(store, { runtime: time })
}

async function fenceOf(backend: LockBackend, who: string): Promise<bigint> {
  const answer = await backend.acquire(request(who))
  if (answer.outcome !== 'granted') throw new Error(`${who} finds it ${answer.outcome}`)
  return answer.fencingToken
}

const never = new Promise<never>(() => undefined)

test('whoever was granted the lock by a notice, while it looked, watches the record no longer than it holds', async () => {
  let watchers = 0
  let slow: Promise<void> | undefined
  const holder = client()
  const waiter = client({
    watch: (place, changed) => {
      watchers += 1
      const stop = memory.watch(place, changed)
      return () => {
        watchers -= 1
        stop()
      }
    },
    read: async (place) => {
      const [read, answer] = [memory.read(place), slow]
      await answer
      return read
    },
  })
  const woken = Promise.withResolvers<unknown>()
  const wait = { queue: true, retryInterval: undefined, wake: woken.resolve }
  await holder.acquire(request('a', { ttl: 60_000 }))
  await waiter.acquire(request('b', { wait, ttl: 2_000 }))
  const late = Promise.withResolvers<void>()
  slow = late.promise
  const looking = waiter.acquire(request('b', { wait, ttl: 2_000 }))
  slow = undefined
  await holder.release(request('a'))
  expect(await woken.promise).toMatchObject({ fencingToken: 2n })
  late.resolve()
  expect(await looking).toMatchObject({ outcome: 'busy' })
  expect(await waiter.release(request('b'))).toBe(true)
  expect(watchers).toBe(0)
})

test('a cancel after a write that failed leaves no record behind, where free locks have none', async () => {
  let fails = true
  const backend = client({
    write: (place, version, record) => {
      if (!fails) return memory.write(place, version, record)
      fails = false
      return Promise.reject(new Error('the connection was cut'))
    },
  })
  await expect(backend.acquire(request('a'))).rejects.toThrow('cut')
  await backend.cancel(request('a'))
  expect(await memory.names('', '')).toEqual([])
})

test('a notice whose reading gets no answer does not make a waiter deaf to the grant that follows', async () => {
  const holder = client()
  let deaf = false
  const waiter = client({ read: (place) => (deaf ? never : memory.read(place)) })
  let wakes = 0
  const wake = (): void => {
    wakes += 1
  }
  const wait = { queue: true, retryInterval: undefined, wake }
  await holder.acquire(request('a', { ttl: 60_000 }))
  await waiter.acquire(request('b', { wait, ttl: 2_000 }))
  deaf = true
  await holder.renew({ ...request('a', { ttl: 70_000 }), rotateTo: undefined })
  await time.advance(500)
  deaf = false
  await holder.release(request('a'))
  await time.advance(900)
  expect(wakes).toBeGreaterThan(0)
})

describe('a write that got no answer', () => {
  /** A client whose next write is carried out only when `arrive` is called. */
  function stuckClient() {
    let arrive = (): Promise<unknown> => Promise.resolve()
    let stuck = true
    const backend = client({
      write: (place, version, record) => {
        if (!stuck) return memory.write(place, version, record)
        stuck = false
        arrive = () => memory.write(place, version, record)
        return never
      },
    })
    return { backend, arrive: () => arrive() }
  }

  test('finds the record changed once its acquire was cancelled', async () => {
    const { backend, arrive } = stuckClient()
    void backend.acquire(request('a'))
    await time.advance(1)
    await backend.cancel(request('a'))
    expect(await arrive()).toBeNull()
    expect(await fenceOf(client(), 'b')).toBe(1n)
  })

  test('finds the record changed even after others held the lock and left', async () => {
    const { backend, arrive } = stuckClient()
    const other = client()
    void backend.acquire(request('a'))
    await time.advance(1)
    await backend.cancel(request('a'))
    await fenceOf(other, 'b')
    await other.release(request('b'))
    expect(await arrive()).toBeNull()
    expect((await other.inspect({ key, timeout })).holders).toEqual([])
  })

  test('does not let tokens start again, however its cancel went on', async () => {
    const other = client()
    for (const who of ['a', 'b', 'c']) {
      await fenceOf(other, who)
      await other.release(request(who))
    }
    const { backend } = stuckClient()
    void backend.acquire(request('d'))
    await time.advance(1)
    const cancelled = backend.cancel(request('d'))
    for (let turn = 0; turn < 5; turn += 1) {
      const who = `e${turn}`
      expect(await fenceOf(client(), who)).toBeGreaterThan(3n)
      await other.release(request(who))
    }
    await cancelled
    expect(await fenceOf(client(), 'f')).toBeGreaterThan(8n)
  })

  test('does not let tokens start again though the clean-up after its cancel fails', async () => {
    const other = client()
    expect(await fenceOf(other, 'a')).toBe(1n)
    await other.release(request('a'))
    let broken = false
    const backend = client({
      write: (place, version, record) => {
        if (broken) return memory.write(place, version, record)
        broken = true
        return Promise.reject(new Error('no answer'))
      },
      remove: () => Promise.reject(new Error('no answer')),
    })
    await expect(backend.acquire(request('b'))).rejects.toThrow('no answer')
    await backend.cancel(request('b'))
    expect(await fenceOf(other, 'c')).toBe(2n)
  })
})

/** A client, and a switch that makes its readings of the record take 300 ms to arrive. */
function slowReader(parts: Partial<Store> = {}) {
  let slow = false
  const backend = client({
    ...parts,
    read: async (place) => {
      const read = memory.read(place)
      if (slow) await new Promise<void>((resolve) => void time.setTimer(300, resolve))
      return read
    },
  })
  const slowDown = (): void => {
    slow = true
  }
  return { backend, slowDown }
}

test('a hold that was renewed while an older reading of it was on its way is seen as held', async () => {
  const holder = client()
  await holder.acquire(request('a', { ttl: 200 }))
  const { backend, slowDown } = slowReader()
  slowDown()
  const looking = backend.inspect({ key, timeout })
  await time.advance(100)
  await holder.renew({ ...request('a', { ttl: 200 }), rotateTo: undefined })
  await time.advance(150)
  await holder.renew({ ...request('a', { ttl: 200 }), rotateTo: undefined })
  await time.advance(100)
  expect((await looking).holders).toMatchObject([{ owner: 'a' }])
})

test('a hold that a release grants lasts as long as it should, however long the record took to arrive', async () => {
  const { backend: holder, slowDown } = slowReader()
  const waiter = client()
  await holder.acquire(request('a', { ttl: 60_000 }))
  const wait = { queue: true, retryInterval: undefined, wake: () => undefined }
  await waiter.acquire(request('b', { wait, ttl: 200 }))
  slowDown()
  const releasing = holder.release(request('a'))
  await time.advance(300)
  expect(await releasing).toBe(true)
  await time.advance(190)
  expect(await client().acquire(request('c'))).toMatchObject({ outcome: 'busy' })
  await time.advance(11)
  expect(await client().acquire(request('c'))).toMatchObject({ outcome: 'granted' })
})

test('a hold counts for its holder from before the clock was read, however long the record took to arrive', async () => {
  const { backend, slowDown } = slowReader()
  slowDown()
  const { mono } = time.now()
  const acquiring = backend.acquire(request('a', { ttl: 1_000 }))
  await time.advance(300)
  expect(await acquiring).toMatchObject({ outcome: 'granted', since: { mono }, ttl: 1_000 })
  const renewing = backend.renew({ ...request('a', { ttl: 2_000 }), rotateTo: undefined })
  await time.advance(0)
  expect(await renewing).toMatchObject({ outcome: 'renewed', since: { mono: mono + 300 }, ttl: 2_000 })
})

describe('without a clock', () => {
  const clockless = () => client({ clock: null })
  const look = (backend: LockBackend) => backend.inspect({ key, timeout })

  test('a hold that was renewed while an older reading of it was on its way is seen as held', async () => {
    const holder = clockless()
    await holder.acquire(request('a', { ttl: 200 }))
    const { backend: other, slowDown } = slowReader({ clock: null })
    await look(other)
    slowDown()
    await time.advance(50)
    const looking = look(other)
    await time.advance(50)
    await holder.renew({ ...request('a', { ttl: 200 }), rotateTo: undefined })
    await time.advance(300)
    expect((await looking).holders).toMatchObject([{ owner: 'a' }])
  })

  test('a hold runs out for who saw it unchanged for its whole ttl, and not before', async () => {
    const [holder, other] = [clockless(), clockless()]
    await fenceOf(holder, 'a')
    await time.advance(500)
    expect(await other.acquire(request('b'))).toMatchObject({ outcome: 'busy' })
    await time.advance(99)
    expect(await other.acquire(request('b'))).toMatchObject({ outcome: 'busy' })
    await time.advance(1)
    expect(await other.acquire(request('b'))).toMatchObject({ outcome: 'granted' })
  })

  test('a renewal starts the watch anew', async () => {
    const [holder, other] = [clockless(), clockless()]
    await fenceOf(holder, 'a')
    await look(other)
    await time.advance(90)
    await holder.renew({ ...request('a'), rotateTo: undefined })
    await look(other)
    await time.advance(99)
    expect(await other.acquire(request('b'))).toMatchObject({ outcome: 'busy' })
  })

  test('the time that somebody waited does not count against the hold granted to it', async () => {
    const [holder, waiter, other] = [clockless(), clockless(), clockless()]
    await holder.acquire(request('a', { ttl: 60_000 }))
    await waiter.acquire(request('b', { wait: { queue: true, retryInterval: undefined, wake: () => undefined } }))
    await look(other)
    await time.advance(5_000)
    await holder.release(request('a'))
    expect(await other.acquire(request('c'))).toMatchObject({ outcome: 'busy' })
  })

  test('a hold granted anew to the same token is watched anew', async () => {
    const [holder, other] = [clockless(), clockless()]
    await fenceOf(holder, 'a')
    await look(holder)
    await look(other)
    await time.advance(150)
    expect(await fenceOf(holder, 'a')).toBe(2n)
    await time.advance(99)
    expect(await other.acquire(request('b'))).toMatchObject({ outcome: 'busy' })
  })
})

describe('a damaged record', () => {
  const damage = async () => {
    const { version } = await memory.read(key)
    await memory.write(key, version, {
      value: 'nonsense',
      fence: 0n,
      holders: [],
      moved: true,
      keepFor: 0,
      essence: () => '',
    })
  }

  test('counts as held: nothing is granted, and every question is answered with what is wrong', async () => {
    await damage()
    const backend = client()
    for (const call of [
      () => backend.acquire(request('a')),
      () => backend.inspect({ key, timeout }),
      () => backend.release(request('a')),
      () => backend.renew({ ...request('a'), rotateTo: undefined }),
    ]) {
      await expect(call()).rejects.toThrow(LockBackendError)
      await expect(call()).rejects.toThrow(/damaged.*forceRelease/)
    }
  })

  test('is replaced by forceRelease, with tokens above what it may have contained', async () => {
    await damage()
    expect(await client().forceRelease({ key, timeout })).toBe(true)
    expect(await fenceOf(client(), 'a')).toBeGreaterThan(BigInt(time.wall) * 1_000n)
  })
})

describe('a store that fails', () => {
  test('rejects, and is asked again by the next call', async () => {
    let failing = true
    const backend = client({
      read: (place) => (failing ? Promise.reject(new Error('unreachable')) : memory.read(place)),
    })
    await expect(backend.acquire(request('a'))).rejects.toThrow('unreachable')
    await expect(backend.inspect({ key, timeout })).rejects.toThrow('unreachable')
    failing = false
    expect(await fenceOf(backend, 'a')).toBe(1n)
  })

  test('that answers conflict for ever is given up within the timeout', async () => {
    const backend = client({ write: () => Promise.resolve(null) })
    const outcome = backend.acquire(request('a')).catch((error: Error) => error.message)
    await time.advance(timeout)
    expect(await outcome).toMatch(/others changed its record \d+ times, so that there was no turn within 1000 ms/)
  })

  test('that answers conflict is no failure to who can wait: it comes again', async () => {
    let crowded = true
    const write: Store['write'] = (place, version, record) =>
      crowded ? Promise.resolve(null) : memory.write(place, version, record)
    const backend = client({ write })
    const wait = { queue: true, retryInterval: undefined, wake: () => undefined }
    const outcome = backend.acquire(request('a', { wait }))
    await time.advance(timeout)
    expect(await outcome).toEqual({ outcome: 'busy', retryAfter: expect.any(Number) })
    crowded = false
    expect(await backend.acquire(request('a', { wait }))).toMatchObject({ outcome: 'granted' })
  })
})

describe('closing', () => {
  test('waits for calls under way, but not for a hung one', async () => {
    let closed = false
    const close = async (): Promise<void> => {
      closed = true
    }
    const backend = client({ read: () => never, close })
    void backend.acquire(request('a')).catch(() => undefined)
    const closing = backend.close()
    await time.advance(4_999)
    expect(closed).toBe(false)
    await time.advance(1)
    await closing
    expect(closed).toBe(true)
  })

  test('ends the watch of those who wait, and tells them at once', async () => {
    let watches = 0
    const watch: Store['watch'] = () => {
      watches += 1
      return () => {
        watches -= 1
      }
    }
    const backend = client({ watch })
    await backend.acquire(request('a'))
    let woken = 0
    const wake = (): void => {
      woken += 1
    }
    await backend.acquire(request('b', { wait: { queue: true, retryInterval: undefined, wake } }))
    expect(watches).toBe(1)
    await backend.close()
    expect({ watches, woken }).toEqual({ watches: 0, woken: 1 })
  })

  test('leaves no watch to a call that comes back after it', async () => {
    let [watches, answer] = [0, (): void => undefined]
    const watch: Store['watch'] = () => {
      watches += 1
      return () => {
        watches -= 1
      }
    }
    const hung = new Promise<void>((resolve) => {
      answer = resolve
    })
    await client().acquire(request('a'))
    const backend = client({ watch, read: (place) => hung.then(() => memory.read(place)) })
    const late = backend.acquire(
      request('b', { wait: { queue: true, retryInterval: undefined, wake: () => undefined } }),
    )
    const closing = backend.close()
    await time.advance(5_000)
    await closing
    answer()
    await late.catch(() => undefined)
    expect(watches).toBe(0)
  })

  test('is done once, and later calls reject', async () => {
    const backend = client()
    expect(await Promise.all([backend.close(), backend.close()])).toEqual([undefined, undefined])
    await expect(backend.acquire(request('a'))).rejects.toThrow(LockBackendError)
  })
})

test("a clock may answer with a promise of another realm, as Node.js's own are under Jest", async () => {
  const now = (): Promise<number> => runInNewContext(`Promise.resolve(${time.now().mono})`)
  const backend = client({ clock: { id: 'other', grain: 1, now } })
  expect(await fenceOf(backend, 'a')).toBe(1n)
  expect((await backend.renew({ ...request('a'), rotateTo: undefined })).outcome).toBe('renewed')
})
