import { describe, expect, test } from 'vitest'
import { wrapped } from '../src/conformance/expect.ts'
import type { AcquireOptions, Grant, LockBackend, RenewAnswer, RenewRequest } from '../src/index.ts'
import { Lock, LockBackendError, LockLostError, recordBackend } from '../src/index.ts'
import { MemoryStore } from '../src/memory-backend.ts'
import { VirtualTime } from './virtual-time.ts'

/** A lock over memory under virtual time, whose renewals a test can watch and replace. */
function stage(options: AcquireOptions = {}) {
  const time = new VirtualTime()
  const inner = recordBackend(new MemoryStore(time), { runtime: time })
  const renewals: RenewRequest[] = []
  let answer: ((request: RenewRequest) => Promise<RenewAnswer>) | undefined
  const backend: LockBackend = {
    name: inner.name,
    location: inner.location,
    capabilities: inner.capabilities,
    runtime: time,
    acquire: (request) => inner.acquire(request),
    cancel: (request) => inner.cancel(request),
    renew: (request) => {
      renewals.push(request)
      return answer === undefined ? inner.renew(request) : answer(request)
    },
    release: (request) => inner.release(request),
    inspect: (request) => inner.inspect(request),
    forceRelease: (request) => inner.forceRelease(request),
    list: (request) => inner.list(request),
    close: () => inner.close(),
  }
  const lock = new Lock('a', { backend, ttl: 30_000, ...options })
  return {
    time,
    lock,
    backend,
    renewals,
    answerRenewals(with_: typeof answer) {
      answer = with_
    },
  }
}

const never = (): Promise<never> => new Promise(() => undefined)

describe('the local deadline', () => {
  test('comes 1 % of the ttl, 2 ms and the grain before the hold ends at the backend', async () => {
    const { lock } = stage()
    const lease = await lock.acquire()
    expect(lease.remaining).toBeCloseTo(30_000 - 300 - 2 - 1, 5)
  })

  test('counts from before the acquire was sent, not from its reply', async () => {
    const { time, backend } = stage()
    const slow: LockBackend = {
      ...wrapped(backend, {}),
      acquire: async (request) => {
        const answer = await backend.acquire(request)
        time.hang(4_000)
        if (answer.outcome !== 'granted') return answer
        const { since: _, ...withoutSince } = answer
        return withoutSince
      },
    }
    const lease = await new Lock('a', { backend: slow }).acquire()
    expect(lease.remaining).toBeLessThanOrEqual(30_000 - 4_000)
  })

  test('of a renewal counts from before that renewal was sent', async () => {
    const { time, lock, answerRenewals } = stage({ autoRenew: false })
    const lease = await lock.acquire()
    await time.advance(10_000)
    answerRenewals(async (request) => {
      time.hang(2_000)
      return { outcome: 'renewed', ttl: request.ttl }
    })
    await lease.renew()
    expect(lease.remaining).toBeCloseTo(30_000 - 303 - 2_000, 5)
  })

  test('aborts the signal before it passes, while a renewal hangs', async () => {
    const { time, lock, answerRenewals } = stage()
    const lease = await lock.acquire()
    const { signal } = lease
    answerRenewals(never)
    await time.advance(29_300)
    expect(signal.aborted).toBe(false)
    expect(lease.held).toBe(true)
    await time.advance(397)
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toBeInstanceOf(LockLostError)
    expect(lease.held).toBe(false)
  })

  test('is noticed at the first look after a pause in which no timer fired', async () => {
    const { time, lock } = stage()
    const lease = await lock.acquire()
    const { signal } = lease
    time.hang(29_800)
    expect(lease.held).toBe(false)
    expect(signal.aborted).toBe(true)
    expect(() => lease.assertHeld()).toThrow(LockLostError)
  })

  test('is noticed at the first look after the machine slept, when the monotonic clock stood', async () => {
    const { time, lock } = stage()
    const lease = await lock.acquire()
    time.stepWall(29_800)
    expect(lease.held).toBe(false)
  })

  test('signals the loss within a second after the machine slept, without anybody looking', async () => {
    const { time, lock, answerRenewals } = stage()
    const { signal } = await lock.acquire()
    answerRenewals(never)
    time.stepWall(60_000)
    await time.advance(1_000)
    expect(signal.aborted).toBe(true)
  })

  test('signals the loss in time if the machine slept for a part of the ttl', async () => {
    const { time, lock } = stage({ autoRenew: false })
    const { signal } = await lock.acquire()
    await time.advance(5_000)
    time.stepWall(20_000)
    await time.advance(4_300)
    expect(signal.aborted).toBe(false)
    await time.advance(200)
    expect(signal.aborted).toBe(true)
  })

  test('is not put off by a wall clock that was set back', async () => {
    const { time, lock, answerRenewals } = stage()
    const lease = await lock.acquire()
    answerRenewals(never)
    time.stepWall(-3_600_000)
    await time.advance(29_700)
    expect(lease.held).toBe(false)
  })

  test('once passed, is not healed by a late renewal', async () => {
    const { time, lock, answerRenewals } = stage({ autoRenew: false })
    const lease = await lock.acquire()
    const late = Promise.withResolvers<RenewAnswer>()
    answerRenewals(() => late.promise)
    await time.advance(29_000)
    const renewal = lease.renew()
    renewal.catch(() => undefined)
    time.hang(900)
    late.resolve({ outcome: 'renewed', ttl: 60_000 })
    await expect(renewal).rejects.toBeInstanceOf(LockLostError)
    expect(lease.held).toBe(false)
  })
})

describe('renewal', () => {
  test('comes at a third of the ttl and keeps the lease for ever', async () => {
    const { time, lock, renewals } = stage()
    const lease = await lock.acquire()
    await time.advance(10_000)
    expect(renewals).toHaveLength(1)
    await time.advance(600_000)
    expect(lease.held).toBe(true)
    expect(renewals.length).toBeGreaterThan(55)
    expect(renewals.length).toBeLessThan(75)
  })

  test('that fails leaves the old deadline and is tried again', async () => {
    const { time, lock, renewals, answerRenewals } = stage()
    const lease = await lock.acquire()
    answerRenewals(() => Promise.reject(new Error('connection refused')))
    await time.advance(20_000)
    expect(lease.held).toBe(true)
    expect(renewals.length).toBeGreaterThan(5)
    answerRenewals(undefined)
    await time.advance(5_000)
    expect(lease.remaining).toBeGreaterThan(20_000)
  })

  test('answered "not mine" loses the lease at once', async () => {
    const { time, lock, answerRenewals } = stage()
    const { signal } = await lock.acquire()
    answerRenewals(() => Promise.resolve({ outcome: 'lost' }))
    await time.advance(10_000)
    expect(signal.aborted).toBe(true)
  })

  test('by hand rejects with LockBackendError when the backend fails, and the lease stands', async () => {
    const { time, lock, answerRenewals } = stage({ autoRenew: false })
    const lease = await lock.acquire()
    answerRenewals(() => Promise.reject(new Error('connection refused')))
    const renewal = lease.renew()
    renewal.catch(() => undefined)
    await time.advance(3_000)
    await expect(renewal).rejects.toBeInstanceOf(LockBackendError)
    expect(lease.held).toBe(true)
  })

  test('with a ttl makes that the ttl of later renewals', async () => {
    const { time, lock, renewals } = stage()
    const lease = await lock.acquire()
    await lease.renew(60_000)
    expect(lease.remaining).toBeGreaterThan(59_000)
    await time.advance(60_000)
    expect(renewals.every(({ ttl }) => ttl === 60_000)).toBe(true)
    expect(lease.remaining).toBeGreaterThan(39_000)
  })

  test('never shortens what is left', async () => {
    const { lock } = stage()
    const lease = await lock.acquire()
    await lease.renew(1_000)
    expect(lease.remaining).toBeGreaterThan(29_000)
  })

  test('stops at maxHold, and the lease runs out', async () => {
    const { time, lock } = stage({ maxHold: 40_000 })
    const lease = await lock.acquire()
    await time.advance(45_000)
    expect(lease.held).toBe(true)
    await time.advance(26_000)
    expect(lease.held).toBe(false)
  })

  test('of many leases taken at once is spread', async () => {
    const { time, backend, renewals } = stage()
    let seed = 1
    time.random = () => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed / 2_147_483_647
    }
    const at: number[] = []
    const push = renewals.push.bind(renewals)
    renewals.push = (...requests) => {
      at.push(time.mono)
      return push(...requests)
    }
    await Promise.all(Array.from({ length: 200 }, (_, index) => new Lock(`many ${index}`, { backend }).acquire()))
    await time.advance(10_100)
    expect(at).toHaveLength(200)
    expect(Math.max(...at) - Math.min(...at)).toBeGreaterThan(1_000)
  })
})

describe('a lease without end', () => {
  test('is granted finite first, and permanent before it is handed out', async () => {
    const { lock, renewals } = stage({ ttl: Number.POSITIVE_INFINITY })
    const lease = await lock.acquire()
    expect(renewals).toHaveLength(1)
    expect(renewals[0]?.ttl).toBe(Number.POSITIVE_INFINITY)
    expect(lease.remaining).toBe(Number.POSITIVE_INFINITY)
  })

  test('is looked at every 10 s, and found lost when somebody broke it', async () => {
    const { time, lock, renewals } = stage({ ttl: Number.POSITIVE_INFINITY })
    const lease = await lock.acquire()
    await time.advance(100_000)
    expect(renewals.length).toBeGreaterThanOrEqual(10)
    expect(lease.held).toBe(true)
    await lock.forceRelease()
    await time.advance(10_000)
    expect(lease.held).toBe(false)
    expect(lease.signal.aborted).toBe(true)
  })

  test('leaves nothing for ever when making it permanent fails', async () => {
    const { time, lock, answerRenewals } = stage({ ttl: Number.POSITIVE_INFINITY, timeout: 0 })
    answerRenewals(() => Promise.reject(new Error('connection refused')))
    const acquiring = lock.acquire()
    acquiring.catch(() => undefined)
    await time.advance(5_000)
    await expect(acquiring).rejects.toBeInstanceOf(LockBackendError)
    await time.advance(35_000)
    expect(await lock.locked()).toBe(false)
  })
})

describe('a short grant', () => {
  const claim = (backend: LockBackend, grant: Omit<Grant, 'fencingToken'>): LockBackend => ({
    ...wrapped(backend, {}),
    acquire: async (request) => {
      const answer = await backend.acquire(request)
      return answer.outcome === 'granted' ? { ...answer, ...grant } : answer
    },
  })

  test('is renewed at a third of its own length', async () => {
    const { time, backend, renewals } = stage()
    const lease = await new Lock('a', { backend: claim(backend, { ttl: 2_000, since: time.now() }) }).acquire()
    expect(renewals).toHaveLength(0)
    await time.advance(667)
    expect(renewals).toHaveLength(1)
    expect(lease.remaining).toBeGreaterThan(29_000)
  })

  test('is renewed before it is handed out where nothing else would renew it', async () => {
    const { time, backend, renewals } = stage()
    const short = claim(backend, { ttl: 2_000, since: time.now() })
    const lease = await new Lock('a', { backend: short, autoRenew: false }).acquire()
    expect(renewals).toHaveLength(1)
    expect(lease.remaining).toBeGreaterThan(29_000)
  })

  test('whose time is over already is not handed out', async () => {
    const { time, backend } = stage()
    let stale = true
    const once: LockBackend = {
      ...wrapped(backend, {}),
      acquire: async (request) => {
        const answer = await backend.acquire(request)
        if (!stale || answer.outcome !== 'granted') return answer
        stale = false
        const since = { mono: time.mono - 5_000, wall: time.wall - 5_000 }
        return { ...answer, since, ttl: 2_000 }
      },
    }
    const lease = await new Lock('a', { backend: once }).acquire()
    expect(stale).toBe(false)
    expect(lease.held).toBe(true)
    expect(lease.remaining).toBeGreaterThan(29_000)
  })
})

test.each([0, 10_000])('what an abort undid is not asked for again (timeout %d)', async (timeout) => {
  const { time, backend } = stage()
  const calls: string[] = []
  const failing: LockBackend = {
    ...wrapped(backend, {}),
    acquire: () => {
      calls.push('acquire')
      return Promise.reject(new Error('connection reset'))
    },
    cancel: (request) => {
      calls.push('cancel')
      return backend.cancel(request)
    },
  }
  const controller = new AbortController()
  const acquiring = new Lock('a', { backend: failing, timeout }).acquire({ signal: controller.signal })
  acquiring.catch(() => undefined)
  await time.advance(1)
  controller.abort(new Error('enough'))
  await expect(acquiring).rejects.toThrow('enough')
  await time.advance(5_000)
  expect(calls).toEqual(['acquire', 'cancel'])
})

test('a grant that is broken before it could be made permanent is asked for again', async () => {
  const { lock, answerRenewals } = stage({ ttl: Number.POSITIVE_INFINITY })
  let lost = 0
  answerRenewals(() => {
    lost += 1
    answerRenewals(undefined)
    return Promise.resolve({ outcome: 'lost' })
  })
  const lease = await lock.acquire()
  expect(lost).toBe(1)
  expect(lease.remaining).toBe(Number.POSITIVE_INFINITY)
})

test('a grant that comes through after its acquire was aborted is not handed to the next task', async () => {
  const { time, lock, answerRenewals } = stage({ ttl: Number.POSITIVE_INFINITY })
  const permanent = Promise.withResolvers<RenewAnswer>()
  answerRenewals(() => permanent.promise)
  const controller = new AbortController()
  const aborted = lock.acquire({ signal: controller.signal })
  aborted.catch(() => undefined)
  await time.advance(1)
  controller.abort(new Error('enough'))
  answerRenewals(undefined)
  const next = lock.acquire()
  permanent.resolve({ outcome: 'renewed', ttl: Number.POSITIVE_INFINITY })
  await time.advance(5_000)
  const lease = await next
  expect((await lock.inspect()).holders.map(({ owner }) => owner)).toEqual([lease.owner])
})

test('an attempt aborted while its grant is made permanent leaves no hold that renews itself', async () => {
  const { time, lock, renewals, answerRenewals } = stage({ ttl: Number.POSITIVE_INFINITY })
  const permanent = Promise.withResolvers<RenewAnswer>()
  answerRenewals(() => permanent.promise)
  const controller = new AbortController()
  const attempt = lock.tryAcquire({ signal: controller.signal })
  attempt.catch(() => undefined)
  await time.advance(1)
  controller.abort(new Error('enough'))
  await expect(attempt).rejects.toThrow('enough')
  permanent.resolve({ outcome: 'renewed', ttl: Number.POSITIVE_INFINITY })
  await time.advance(60_000)
  expect(renewals).toHaveLength(1)
  expect(time.timers).toBe(0)
})

test('a reply slower than the ttl does not make a free lock look busy', async () => {
  const { time, backend } = stage()
  let slow = true
  const delayed: LockBackend = {
    ...wrapped(backend, {}),
    acquire: async (request) => {
      const answer = await backend.acquire(request)
      if (slow) time.hang(40_000)
      slow = false
      return answer
    },
  }
  const lease = await new Lock('a', { backend: delayed, requestTimeout: 60_000 }).tryAcquire()
  expect(lease?.held).toBe(true)
})

test('a timeout while the backend is silent about making a grant permanent is no contention', async () => {
  const { time, lock, answerRenewals } = stage({ ttl: Number.POSITIVE_INFINITY, timeout: 1_000 })
  answerRenewals(never)
  const acquiring = lock.acquire()
  acquiring.catch(() => undefined)
  await time.advance(1_100)
  await expect(acquiring).rejects.toBeInstanceOf(LockBackendError)
})

test('one renewal without an answer leaves time for another, even if the ttl is as short as the requestTimeout', async () => {
  const { time, lock, answerRenewals } = stage({ ttl: 3_000 })
  const lease = await lock.acquire()
  answerRenewals(() => {
    answerRenewals(undefined)
    return never()
  })
  await time.advance(6_000)
  expect(lease.held).toBe(true)
})

test('with maxHold a short grant is lengthened to the ttl at once: later renewals may not come', async () => {
  const { time, backend } = stage()
  const short: LockBackend = {
    ...wrapped(backend, {}),
    acquire: async (request) => {
      const answer = await backend.acquire(request)
      return answer.outcome === 'granted' ? { ...answer, ttl: 2_000, since: time.now() } : answer
    },
  }
  const lease = await new Lock('a', { backend: short, maxHold: 300 }).acquire()
  expect(lease.remaining).toBeGreaterThan(29_000)
})

test('a renewal that failed does not change the ttl of later ones', async () => {
  const { time, lock, renewals, answerRenewals } = stage()
  const lease = await lock.acquire()
  answerRenewals(() => Promise.reject(new Error('connection refused')))
  const renewal = lease.renew(60_000)
  renewal.catch(() => undefined)
  await time.advance(3_000)
  await expect(renewal).rejects.toBeInstanceOf(LockBackendError)
  answerRenewals(undefined)
  await time.advance(12_000)
  expect(renewals.at(-1)?.ttl).toBe(30_000)
})

test('where the clock is coarse, a renewal comes before the deadline all the same', async () => {
  const { time, backend, renewals } = stage()
  const { ttl, ...capabilities } = backend.capabilities
  const coarse = wrapped(backend, { capabilities: { ...capabilities, ttl: { ...ttl, granularity: 1_000 } } })
  const lease = await new Lock('b', { backend: coarse, ttl: 1_200 }).acquire()
  await time.advance(5_000)
  expect(lease.held).toBe(true)
  expect(renewals.length).toBeGreaterThan(10)
})

test('nothing is left on the timers after release', async () => {
  const { time, lock } = stage()
  const lease = await lock.acquire()
  await lease.release()
  await time.advance(1_000)
  expect(time.timers).toBe(0)
})

test('an outage that ends in silence is told with what went wrong first, and a call that throws is a failed one', async () => {
  const { time, backend } = stage()
  let calls = 0
  const failing = wrapped(backend, {
    inspect: () => {
      calls += 1
      if (calls === 1) throw new Error('connection reset')
      return never()
    },
  })
  const locked = new Lock('b', { backend: failing, requestTimeout: 1_000 }).locked()
  const told = expect(locked).rejects.toMatchObject({
    code: 'LOCK_BACKEND',
    message: expect.stringMatching(/no answer within 1000 ms \(a first call failed: connection reset\)/),
    cause: new Error('connection reset'),
  })
  await time.advance(1_000)
  await told
  expect(calls).toBe(2)
})
