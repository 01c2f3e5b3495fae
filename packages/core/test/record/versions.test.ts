/** What a store's versions can do: make the tokens, tell an absence. And how often a store without notices is looked at. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { AcquireRequest, LockBackend } from '../../src/index.ts'
import { key, outcomeOf, request, timeout, World, waits } from './world.ts'

let world: World
beforeEach(() => {
  world = new World()
})

describe('tokens that are the versions’', () => {
  /** Versions of this store rise by one with each write, whatever becomes of the records. */
  const FIRST = 1_000n
  const versioned = (): LockBackend =>
    world.client({ idleRecords: 'remove', tokenOf: (version) => (FIRST + BigInt(Math.max(0, version))) << 10n })
  const tokenTo = async (backend: LockBackend, who: string, change: Partial<AcquireRequest> = {}): Promise<bigint> => {
    const answer = await backend.acquire(request(who, change))
    if (answer.outcome !== 'granted') throw new Error(`${who} finds it ${answer.outcome}`)
    return answer.fencingToken
  }

  test('rise from grant to grant, though nothing is kept of a lock that is free', async () => {
    const [one, two] = [versioned(), versioned()]
    const tokens: bigint[] = []
    for (let turn = 0; turn < 3; turn += 1)
      for (const backend of [one, two]) {
        tokens.push(await tokenTo(backend, `${turn}`))
        await backend.release(request(`${turn}`))
        expect((await world.memory.read(key)).value).toBeNull()
      }
    expect(tokens.toSorted((a, b) => Number(a - b))).toEqual(tokens)
    expect(new Set(tokens).size).toBe(tokens.length)
    expect(tokens.every((token) => token >= FIRST << 10n)).toBe(true)
  })

  test('stay what they were through renewals, and others see the same', async () => {
    const [one, two] = [versioned(), versioned()]
    const token = await tokenTo(one, 'a')
    for (const backend of [one, two, one]) {
      expect((await backend.inspect({ key, timeout })).holders).toMatchObject([{ fencingToken: token }])
      expect((await backend.renew({ ...request('a'), rotateTo: undefined })).outcome).toBe('renewed')
    }
    expect(await tokenTo(two, 'a')).toBe(token)
  })

  test('of holders beside each other differ, as do those that were reserved', async () => {
    const [one, two] = [versioned(), versioned()]
    const shared = { mode: 'shared', tokens: 8 } as const
    const [first, second] = [await tokenTo(one, 'a', shared), await tokenTo(two, 'b', shared)]
    expect(second).toBeGreaterThanOrEqual(first + 8n)
    await one.release({ ...request('a'), mode: 'shared' })
    await two.release({ ...request('b'), mode: 'shared' })
    expect(await tokenTo(one, 'c')).toBeGreaterThanOrEqual(second + 8n)
  })

  test('are given to those who waited as well', async () => {
    const [one, two] = [versioned(), versioned()]
    const token = await tokenTo(one, 'a')
    await two.acquire(request('b', waits()))
    await one.release(request('a'))
    expect(await tokenTo(two, 'b', waits())).toBeGreaterThan(token)
  })

  test('are refused in a record of a store that counts them itself', async () => {
    await versioned().acquire(request('a'))
    await expect(world.client().acquire(request('b'))).rejects.toThrow(/damaged/)
  })
})

describe('one version of all absences', () => {
  const ABSENT = -1
  let items: Map<string, { readonly version: number; readonly value: string }>
  let versions: number
  let refused: number
  beforeEach(() => {
    items = new Map()
    versions = 0
    refused = 0
  })
  const plain = (): LockBackend => {
    const isAt = (version: number): boolean => {
      const is = (items.get(key.id)?.version ?? ABSENT) === version
      if (!is) refused += 1
      return is
    }
    return world.client({
      ...{ watch: null, queue: 'none', idleRecords: 'remove', absence: ABSENT },
      tokenOf: (version) => BigInt(version + 1) << 10n,
      read: () => {
        world.readings += 1
        const { version = ABSENT, value = null } = items.get(key.id) ?? {}
        return Promise.resolve({ version, value, floor: 0n })
      },
      write: (_, version, { value }) => {
        if (!isAt(version)) return Promise.resolve(null)
        versions += 1
        items.set(key.id, { version: versions, value })
        return Promise.resolve(versions)
      },
      remove: (_, version) => Promise.resolve(isAt(version) && items.delete(key.id)),
    })
  }

  test('a free lock is taken and released without a reading, each time', async () => {
    const backend = plain()
    for (let turn = 0; turn < 3; turn += 1) {
      expect(await outcomeOf(backend, `${turn}`)).toBe('granted')
      expect(await backend.release(request(`${turn}`))).toBe(true)
    }
    expect(world.readings).toBe(0)
    expect(items.size).toBe(0)
  })

  test('a lock that is held is read, and not tried again as long as the holder is known', async () => {
    const [one, two] = [plain(), plain()]
    await outcomeOf(one, 'a')
    expect(await outcomeOf(two, 'b')).toBe('busy')
    expect([world.readings, refused]).toEqual([1, 1])
    expect(await outcomeOf(two, 'b')).toBe('busy')
    expect([world.readings, refused]).toEqual([2, 1])
    await one.release(request('a'))
    expect(await outcomeOf(two, 'b')).toBe('granted')
  })

  test('what ends or lengthens a hold is no guess', async () => {
    const backend = plain()
    expect((await backend.renew({ ...request('a'), rotateTo: undefined })).outcome).toBe('lost')
    expect(await backend.release(request('a'))).toBe(false)
    expect((await backend.inspect({ key, timeout })).holders).toEqual([])
    expect(await backend.forceRelease({ key, timeout })).toBe(false)
    expect(versions).toBe(0)
  })
})

test('polling slows down while a hold goes on, and is quick again after a change', async () => {
  const poller = world.client({ watch: null, queue: 'none', pollInterval: 4, longestPoll: 100 })
  const holder = world.client()
  await holder.acquire(request('a', { ttl: 60_000 }))
  const retryAfter = async (): Promise<number> => {
    const answer = await poller.acquire(
      request('b', { wait: { queue: false, retryInterval: undefined, wake: () => undefined } }),
    )
    return answer.outcome === 'busy' ? answer.retryAfter : Number.NaN
  }
  expect(await retryAfter()).toBeLessThanOrEqual(5)
  await world.time.advance(160)
  expect(await retryAfter()).toBeGreaterThanOrEqual(15)
  await world.time.advance(2_000)
  expect(await retryAfter()).toBeLessThanOrEqual(125)
  expect(await retryAfter()).toBeGreaterThanOrEqual(75)
  await holder.renew({ ...request('a', { ttl: 60_000 }), rotateTo: undefined })
  expect(await retryAfter()).toBeLessThanOrEqual(5)
})
