/** What a store may tell beyond its record: how long nothing was written, who holds without one, what a notice is about. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { LockBackend, Outsider } from '../../src/index.ts'
import { key, outcomeOf, request, timeout, World, waits } from './world.ts'

let world: World
beforeEach(() => {
  world = new World()
})

describe('how long nothing was written', () => {
  test('lets who looks for the first time replace a holder that has been silent for its ttl', async () => {
    await world.client().acquire(request('a', { ttl: 200 }))
    world.beside = { unchanged: { holders: 199, record: 199 } }
    expect(await outcomeOf(world.client(), 'b')).toBe('busy')
    world.beside = { unchanged: { holders: 200, record: 200 } }
    expect(await outcomeOf(world.client(), 'b')).toBe('granted')
  })

  test('counts from before the record was asked for, however long the answer took', async () => {
    await world.client().acquire(request('a', { ttl: 200 }))
    const slow = world.client({
      read: async (place) => {
        await new Promise<void>((resolve) => world.time.setTimer(100, resolve))
        return { ...(await world.memory.read(place)), unchanged: { holders: 50, record: 50 } }
      },
    })
    const looking = slow.inspect({ key, timeout })
    await world.time.advance(100)
    await looking
    // 50 ms before the question, 100 for its answer, and now 50 more.
    await world.time.advance(50)
    const attempt = slow.acquire(request('b'))
    await world.time.advance(100)
    expect((await attempt).outcome).toBe('granted')
  })

  test('counts to the moment before the record was asked for', async () => {
    await world.client().acquire(request('a', { ttl: 200 }))
    world.beside = { unchanged: { holders: 150, record: 150 } }
    const other = world.client()
    expect(await outcomeOf(other, 'b')).toBe('busy')
    world.beside = {}
    await world.time.advance(49)
    expect(await outcomeOf(other, 'b')).toBe('busy')
    await world.time.advance(1)
    expect(await outcomeOf(other, 'b')).toBe('granted')
  })

  test('of 0 says nothing: a hold that was renewed while the reading was under way counts for its whole ttl', async () => {
    const holder = world.client()
    await holder.acquire(request('a', { ttl: 200 }))
    const slow = world.client({
      read: async (place) => {
        await new Promise<void>((resolve) => world.time.setTimer(150, resolve))
        return { ...(await world.memory.read(place)), unchanged: { holders: 0, record: 0 } }
      },
    })
    const looking = slow.inspect({ key, timeout })
    await world.time.advance(100)
    await holder.renew({ ...request('a', { ttl: 200 }), rotateTo: undefined })
    await world.time.advance(50)
    await looking
    // Renewed 150 ms ago.
    await world.time.advance(100)
    const attempt = slow.acquire(request('b'))
    await world.time.advance(150)
    expect((await attempt).outcome).toBe('busy')
  })

  test('is told apart for holders and for those who wait', async () => {
    const holder = world.client()
    await holder.acquire(request('a', { ttl: 200 }))
    await holder.acquire(request('w', waits()))
    const unchanged = { holders: 10_000, record: 100 }
    const other = world.client({ read: async (place) => ({ ...(await world.memory.read(place)), unchanged }) })
    expect(await outcomeOf(other, 'b')).toBe('busy')
    // The waiter has just shown that it lives: it is its turn.
    expect((await holder.inspect({ key, timeout })).holders).toMatchObject([{ owner: 'w' }])
  })

  test('skips waiters that have been silent as well', async () => {
    const holder = world.client()
    await holder.acquire(request('a', { ttl: 200 }))
    await holder.acquire(request('w', waits()))
    world.beside = { unchanged: { holders: 10_000, record: 9_000 } }
    expect(await outcomeOf(world.client(), 'b')).toBe('granted')
  })
})

describe('somebody who holds without a record', () => {
  const outsider = (stamp: number): Outsider => ({ owner: 'their-id', metadata: 'scheduler', ttl: 300, stamp })

  test('is in the way, and shown, as long as its stamp changes', async () => {
    const ours = world.client()
    for (let stamp = 1; stamp < 6; stamp += 1) {
      world.beside = { outsider: outsider(stamp) }
      expect(await outcomeOf(ours, 'a')).toBe('busy')
      await world.time.advance(250)
    }
    expect((await ours.inspect({ key, timeout })).holders).toMatchObject([
      { owner: 'their-id', mode: 'exclusive', metadata: 'scheduler', fencingToken: 0n },
    ])
    await world.time.advance(49)
    expect(await outcomeOf(ours, 'a')).toBe('busy')
    await world.time.advance(1)
    expect(await outcomeOf(ours, 'a')).toBe('granted')
  })

  test('counts from when it was seen, though somebody before it had the same stamp', async () => {
    const ours = world.client()
    world.beside = { outsider: outsider(1) }
    expect(await outcomeOf(ours, 'a')).toBe('busy')
    await world.time.advance(250)
    world.beside = { outsider: { ...outsider(1), owner: 'another-id' } }
    expect(await outcomeOf(ours, 'a')).toBe('busy')
    await world.time.advance(299)
    expect(await outcomeOf(ours, 'a')).toBe('busy')
    await world.time.advance(1)
    expect(await outcomeOf(ours, 'a')).toBe('granted')
  })

  test('stands in for the holders that the record tells of', async () => {
    const [ours, other] = [world.client(), world.client()]
    await ours.acquire(request('a'))
    world.beside = { outsider: outsider(1) }
    expect(await other.renew({ ...request('a'), rotateTo: undefined })).toEqual({ outcome: 'lost' })
    world.beside = { outsider: null }
    expect(await outcomeOf(other, 'b')).toBe('granted')
  })

  test('does not move when somebody only enters the queue', async () => {
    world.beside = { outsider: outsider(1) }
    const ours = world.client()
    expect(await outcomeOf(ours, 'w', waits())).toBe('busy')
    expect(world.written.at(-1)).toMatchObject({ moved: false, holders: [{ owner: 'their-id' }] })
    // From then on the record tells of it, as the same one.
    world.beside = {}
    await world.time.advance(299)
    expect((await ours.inspect({ key, timeout })).holders).toMatchObject([{ owner: 'their-id' }])
    await world.time.advance(1)
    expect(await outcomeOf(ours, 'w', waits())).toBe('granted')
    expect(world.written.at(-1)).toMatchObject({ moved: true, holders: [{ owner: 'w' }] })
  })

  test('can be ended by force', async () => {
    world.beside = { outsider: outsider(1) }
    expect(await world.client().forceRelease({ key, timeout })).toBe(true)
    expect(world.written.at(-1)).toMatchObject({ moved: true, holders: [] })
  })
})

test('a write says whether the holders, or their times, are others', async () => {
  const backend = world.client()
  const moved = () => world.written.at(-1)?.moved
  await backend.acquire(request('a', { ttl: 60_000 }))
  expect(moved()).toBe(true)
  await backend.acquire(request('b', waits()))
  expect(moved()).toBe(false)
  await backend.renew({ ...request('a'), rotateTo: undefined })
  expect(moved()).toBe(true)
  await backend.cancel(request('b'))
  expect(moved()).toBe(false)
  await backend.release(request('a'))
  expect(moved()).toBe(true)
  expect(world.written.at(-1)?.holders).toEqual([])
})

describe('a notice that tells the record', () => {
  /** A store whose notices do. */
  const telling = (): LockBackend =>
    world.client({
      signsOfLife: 'seldom',
      pollInterval: Number.POSITIVE_INFINITY,
      watch: (place, changed) => world.memory.watch(place, () => void world.memory.read(place).then(changed)),
    })

  test('is believed: nothing is read for it', async () => {
    const [holder, waiter] = [world.client({ read: (place) => world.memory.read(place) }), telling()]
    await holder.acquire(request('a', { ttl: 60_000 }))
    let woken = 0
    const wake = (): void => {
      woken += 1
    }
    await waiter.acquire(request('b', waits(wake)))
    const before = world.readings
    await holder.renew({ ...request('a', { ttl: 60_000 }), rotateTo: undefined })
    await world.time.advance(1)
    expect({ woken, read: world.readings - before }).toEqual({ woken: 0, read: 0 })
    await holder.release(request('a'))
    await world.time.advance(1)
    expect(woken).toBe(1)
    expect(await waiter.acquire(request('b', waits()))).toMatchObject({ outcome: 'granted' })
    expect(world.readings - before).toBe(0)
  })

  test('makes a waiter mind a hold that is granted to somebody who is gone', async () => {
    const [holder, waiter] = [telling(), telling()]
    await holder.acquire(request('a', { ttl: 60_000 }))
    await holder.acquire(request('dead', waits()))
    let woken = 0
    const wake = (): void => {
      woken += 1
    }
    const answer = await waiter.acquire(request('b', waits(wake)))
    expect(answer).toMatchObject({ outcome: 'busy', retryAfter: 3_000 })
    await holder.release(request('a'))
    // `dead` has it for two seconds, or for its ttl if that is shorter.
    await world.time.advance(99)
    expect(woken).toBe(0)
    await world.time.advance(3)
    expect(woken).toBe(1)
    expect(await waiter.acquire(request('b', waits()))).toMatchObject({ outcome: 'granted' })
  })

  test('minds it no longer than it waits', async () => {
    const [holder, waiter] = [telling(), telling()]
    await holder.acquire(request('a', { ttl: 60_000 }))
    await waiter.acquire(request('b', waits()))
    await holder.renew({ ...request('a', { ttl: 60_000 }), rotateTo: undefined })
    await world.time.advance(1)
    expect(world.time.timers).toBeGreaterThan(0)
    await waiter.cancel(request('b'))
    expect(world.time.timers).toBe(0)
  })

  test('signs of life are as seldom as the ttl is long', async () => {
    const [holder, waiter] = [telling(), telling()]
    await holder.acquire(request('a', { ttl: 3_600_000 }))
    const wanted = { ...waits(), ttl: 60_000 }
    expect(await waiter.acquire(request('b', wanted))).toMatchObject({ outcome: 'busy', retryAfter: 40_000 })
    await world.time.advance(40_000)
    const before = world.written.length
    expect(await waiter.acquire(request('b', wanted))).toMatchObject({ outcome: 'busy', retryAfter: 40_000 })
    expect(world.written.length - before).toBe(1)
    await world.time.advance(119_999)
    expect((await waiter.inspect({ key, timeout })).waiters).toBe(1)
    await world.time.advance(1)
    expect((await waiter.inspect({ key, timeout })).waiters).toBe(0)
  })
})
