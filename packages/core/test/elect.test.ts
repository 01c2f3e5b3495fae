import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { wrapped } from '../src/conformance/expect.ts'
import { Engine } from '../src/engine.ts'
import {
  configure,
  createLocks,
  type Election,
  type ElectOptions,
  elect,
  type Lease,
  Lock,
  type LockBackend,
  LockBackendError,
  LockError,
  LockLostError,
  LockUnsupportedError,
  lockKey,
  memoryBackend,
  ReadWriteLock,
  recordBackend,
  Semaphore,
} from '../src/index.ts'
import { MemoryStore } from '../src/memory-backend.ts'
import { VirtualTime } from './virtual-time.ts'

interface Term {
  readonly who: string
  readonly lease: Lease
  readonly signal: AbortSignal
  /** Ends the body. */
  readonly settle: () => void
  readonly fail: (error: unknown) => void
  settled: boolean
}

/** Elections over memory under virtual time, whose bodies run until told to settle. */
function stage(parts: (inner: LockBackend) => Partial<LockBackend> = () => ({})) {
  const time = new VirtualTime()
  const inner = recordBackend(new MemoryStore(time), { runtime: time })
  const backend = wrapped(inner, { runtime: time, ...parts(inner) })
  const terms: Term[] = []
  const errors: unknown[] = []
  const candidate = (who: string, options: Partial<ElectOptions> = {}): Election =>
    elect('a', {
      backend,
      metadata: who,
      onError: (error) => errors.push(error),
      onElected: (lease, signal) =>
        new Promise<void>((resolve, reject) => {
          const ending = <Args extends readonly unknown[]>(end: (...args: Args) => void) => {
            return (...args: Args): void => {
              term.settled = true
              end(...args)
            }
          }
          const term: Term = { who, lease, signal, settle: ending(resolve), fail: ending(reject), settled: false }
          terms.push(term)
        }),
      ...options,
    })
  return {
    time,
    backend,
    lock: new Lock('a', { backend }),
    terms,
    errors,
    candidate,
    running: () => terms.filter(({ settled }) => !settled),
    last: () => terms.at(-1) as Term,
  }
}

const never = (): Promise<never> => new Promise(() => undefined)

describe('a term', () => {
  test('runs under a lease that is held, one candidate at a time', async () => {
    const { time, candidate, terms, running } = stage()
    candidate('one')
    candidate('two')
    await time.advance(100_000)
    expect(running().map(({ who }) => who)).toEqual(['one'])
    expect(terms[0]?.lease.held).toBe(true)
    expect(terms[0]?.signal.aborted).toBe(false)
  })

  test('that returns gives leadership up: others have their turn, then it is elected again after a pause', async () => {
    const { time, candidate, terms, last } = stage()
    candidate('one')
    candidate('two')
    await time.advance(100)
    last().settle()
    await time.advance(100)
    expect(terms.map(({ who }) => who)).toEqual(['one', 'two'])
    expect(terms[0]?.lease.held).toBe(false)
    last().settle()
    await time.advance(2_000)
    expect(terms.map(({ who }) => who)).toEqual(['one', 'two', 'one'])
    const tokens = terms.map(({ lease }) => lease.fencingToken)
    expect(tokens).toEqual(tokens.toSorted((a, b) => Number(a - b)))
    expect(new Set(tokens).size).toBe(3)
  })

  test('that returns at once is begun again about once a second only', async () => {
    const { time, candidate } = stage()
    let terms = 0
    candidate('one', { onElected: () => (terms += 1) })
    await time.advance(10_000)
    expect(terms).toBeGreaterThanOrEqual(10)
    expect(terms).toBeLessThanOrEqual(20)
  })

  test('that throws is reported, and begun again after pauses that grow to a minute', async () => {
    const { time, candidate, errors } = stage()
    const begun: number[] = []
    const wrong = new Error('the body failed')
    candidate('one', {
      onElected() {
        begun.push(time.mono)
        throw wrong
      },
    })
    await time.advance(300_000)
    expect(errors.every((error) => error === wrong)).toBe(true)
    expect(errors).toHaveLength(begun.length)
    const pauses = begun.slice(1).map((at, index) => at - (begun[index] as number))
    // The virtual runtime draws the middle of each range.
    expect(pauses.map(Math.round)).toEqual([
      750, 1_500, 3_000, 6_000, 12_000, 24_000, 45_000, 45_000, 45_000, 45_000, 45_000,
    ])
  })

  test('that lasted, or returned, starts the back-off anew', async () => {
    const { time, candidate, terms, last } = stage()
    candidate('one')
    await time.advance(0)
    const next = async (pause: number): Promise<void> => {
      const before = terms.length
      await time.advance(pause - 1)
      expect(terms).toHaveLength(before)
      await time.advance(2)
      expect(terms).toHaveLength(before + 1)
    }
    last().fail(new Error('one'))
    await next(750)
    last().fail(new Error('two'))
    await next(1_500)
    await time.advance(61_000)
    last().fail(new Error('three'))
    await next(750)
    last().settle()
    await next(750)
    last().fail(new Error('four'))
    await next(750)
  })

  test('that loses its lease has its signal aborted with the loss; the next begins once it has settled, at once', async () => {
    const { time, candidate, terms, errors, lock, running, last } = stage()
    const election = candidate('one')
    await time.advance(100)
    await lock.forceRelease()
    expect(last().signal.reason).toBeInstanceOf(LockLostError)
    expect(last().signal.reason).toBe(last().lease.signal.reason)
    expect(election.lease).toBe(last().lease)
    await time.advance(5_000)
    expect(terms).toHaveLength(1)
    last().fail(last().signal.reason)
    await time.advance(0)
    expect(terms).toHaveLength(2)
    expect(running()).toHaveLength(1)
    expect(errors).toEqual([])
  })

  test.for([
    ['the loss itself', (signal: AbortSignal) => signal.reason],
    ['an AbortError', () => new DOMException('stop', 'AbortError')],
    ['an error that the loss caused', (signal: AbortSignal) => new Error('gave up', { cause: signal.reason })],
    ['another error that says so', () => new LockLostError('gone', { key: lockKey('', 'a') })],
    ['what the lease says', (_: AbortSignal, lease: Lease) => thrownBy(() => lease.assertHeld())],
  ] as const)('that passes on %s after a loss is no error', async ([, errorOf]) => {
    const { time, candidate, terms, errors, lock, last } = stage()
    candidate('one')
    await time.advance(100)
    await lock.forceRelease()
    last().fail(errorOf(last().signal, last().lease))
    await time.advance(0)
    expect([terms.length, errors]).toEqual([2, []])
  })

  test('that throws something of its own after a loss is reported, and so is an AbortError without an abort', async () => {
    const { time, candidate, errors, lock, last } = stage()
    candidate('one')
    await time.advance(100)
    const own = new DOMException('a request timed out', 'AbortError')
    last().fail(own)
    await time.advance(2_000)
    await lock.forceRelease()
    const wrong = new Error('could not clean up')
    last().fail(wrong)
    await time.advance(0)
    expect(errors).toEqual([own, wrong])
  })

  test('whose process hung for longer than the ttl is lost, and not begun again beside the old body', async () => {
    const { time, candidate, terms, running, last } = stage()
    candidate('one', { ttl: 1_000 })
    await time.advance(100)
    time.hang(5_000)
    expect(last().lease.held).toBe(false)
    await time.advance(5_000)
    expect(last().signal.aborted).toBe(true)
    expect(running()).toHaveLength(1)
    last().settle()
    await time.advance(0)
    expect(terms).toHaveLength(2)
  })

  test('whose machine slept for longer than the ttl, by its wall clock, is lost', async () => {
    const { time, candidate, last } = stage()
    candidate('one', { ttl: 30_000 })
    await time.advance(100)
    time.stepWall(40_000)
    expect(last().lease.held).toBe(false)
    await time.advance(1_001)
    expect(last().signal.reason).toBeInstanceOf(LockLostError)
  })

  test('that handed its lease over leads in other hands; the election campaigns again after them', async () => {
    const { time, candidate, terms, errors, backend, last } = stage()
    const election = candidate('one', { ttl: 30_000 })
    await time.advance(100)
    const json = await last().lease.detach()
    expect(last().signal.aborted).toBe(false)
    last().settle()
    const lease = await Lock.attach(json, { backend })
    await time.advance(10_000)
    expect(terms).toHaveLength(1)
    expect((await election.current())?.owner).toBe(lease.owner)
    await lease.release()
    await time.advance(100)
    expect(terms).toHaveLength(2)
    expect(errors).toEqual([])
  })

  test('that released its lease itself lets another lead', async () => {
    const { time, candidate, terms, last } = stage()
    candidate('one')
    candidate('two')
    await time.advance(100)
    expect(await last().lease.release()).toBe(true)
    await time.advance(100)
    expect(terms.map(({ who }) => who)).toEqual(['one', 'two'])
  })

  test('that throws what cannot even be shown gives leadership up, too', async () => {
    const { time, candidate, errors, terms, last } = stage()
    candidate('one')
    candidate('two')
    await time.advance(100)
    const strange = Object.defineProperty(new Error('strange'), 'cause', { get: () => expect.unreachable() })
    last().fail(strange)
    await time.advance(100)
    expect(terms.map(({ who }) => who)).toEqual(['one', 'two'])
    expect(errors).toHaveLength(1)
  })

  test('that is slow to end is reported once, 10 s after its signal was aborted', async () => {
    const { time, candidate, errors, lock, last } = stage()
    candidate('one')
    await time.advance(100)
    await lock.forceRelease()
    await time.advance(9_000)
    expect(errors).toEqual([])
    await time.advance(60_000)
    expect(errors).toHaveLength(1)
    expect(String(errors[0])).toMatch(
      /^Error: lock "a" on memory #\d+: onElected has not settled 10 s after its signal was aborted/,
    )
    last().settle()
  })

  /** Something happens when a grant is under way, so many steps before its candidate hears of it. */
  async function meanwhile(
    steps: number,
    what: (time: VirtualTime, election: Election) => void,
  ): Promise<readonly Lease[]> {
    const { time, backend, lock } = stage()
    const slow = wrapped(backend, {
      async acquire(request) {
        const answer = await backend.acquire(request)
        asked += 1
        if (asked > 1) return answer
        void (async () => {
          for (let step = 0; step < steps; step += 1) await Promise.resolve()
          what(time, election)
          happened = true
        })()
        return answer
      },
    })
    const begun: Lease[] = []
    let happened = false
    let asked = 0
    const onElected = (lease: Lease, signal: AbortSignal): unknown => {
      expect([lease.held, signal.aborted]).toEqual([true, false])
      if (happened) begun.push(lease)
      return new Promise((resolve) => signal.addEventListener('abort', resolve))
    }
    const election = elect('a', {
      backend: slow,
      ttl: 1_000,
      onElected,
      onError: (error) => expect.unreachable(String(error)),
    })
    await time.advance(100)
    await Promise.all([time.advance(5_000), election.stop()])
    expect(await lock.inspect()).toEqual({ holders: [], waiters: 0 })
    return begun
  }

  test('does not begin if the election was stopped in the very moment of the grant', async () => {
    for (let steps = 0; steps < 40; steps += 1)
      expect(await meanwhile(steps, (_, election) => void election.stop())).toEqual([])
  })

  test('does not begin if its lease was over in the very moment of the grant', async () => {
    for (let steps = 0; steps < 40; steps += 1) await meanwhile(steps, (time) => time.hang(2_000))
  })

  test('leaves nothing of it in memory, even if its work leaves listeners', async () => {
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc') as () => void
    const { time, candidate } = stage()
    const leases: WeakRef<Lease>[] = []
    candidate('one', {
      onElected(lease, signal) {
        leases.push(new WeakRef(lease))
        signal.addEventListener('abort', () => lease)
      },
    })
    await time.advance(100_000)
    gc()
    expect(leases.length).toBeGreaterThan(100)
    expect(leases.filter((lease) => lease.deref() !== undefined).length).toBeLessThan(20)
  })
})

describe('trouble with the backend', () => {
  test('while campaigning is reported and tried again, with pauses that grow to ten seconds', async () => {
    const asked: number[] = []
    const { time, candidate, errors, terms } = stage((inner) => ({
      acquire(request) {
        asked.push(time.mono)
        return time.mono < 60_000 ? Promise.reject(new LockError('LOCK_BACKEND', 'no route')) : inner.acquire(request)
      },
    }))
    candidate('one')
    await time.advance(70_000)
    const pauses = asked.slice(1).map((at, index) => Math.round(at - (asked[index] as number)))
    expect(pauses).toEqual([750, 1_500, 3_000, 6_000, 7_500, 7_500, 7_500, 7_500, 7_500, 7_500, 7_500])
    expect(errors).toHaveLength(asked.length - 1)
    expect(terms).toHaveLength(1)
  })

  test('starts the back-off anew once the backend has answered, be it that the lock is busy', async () => {
    let down = false
    const { time, candidate, errors, lock } = stage((inner) => ({
      acquire: (request) => (down ? Promise.reject(new LockError('LOCK_BACKEND', 'no route')) : inner.acquire(request)),
    }))
    await lock.acquire({ ttl: 1_000_000 })
    candidate('one')
    for (let outage = 0; outage < 3; outage += 1) {
      down = true
      await time.advance(60_000)
      down = false
      await time.advance(30_000)
      const before = errors.length
      down = true
      await time.advance(0)
      for (let waited = 0; errors.length < before + 2 && waited < 60_000; waited += 10) await time.advance(10)
      const heard = time.mono
      for (let waited = 0; errors.length < before + 3 && waited < 60_000; waited += 10) await time.advance(10)
      expect(time.mono - heard).toBeLessThan(2_000)
      down = false
      await time.advance(30_000)
    }
  })

  test('starts the back-off anew once elected', async () => {
    let down = true
    const { time, candidate, errors, lock, last } = stage((inner) => ({
      acquire: (request) => (down ? Promise.reject(new LockError('LOCK_BACKEND', 'no route')) : inner.acquire(request)),
    }))
    candidate('one')
    await time.advance(60_000)
    down = false
    await time.advance(10_000)
    down = true
    await lock.forceRelease()
    const before = errors.length
    last().settle()
    await time.advance(700)
    expect(errors).toHaveLength(before + 1)
    await time.advance(100)
    expect(errors).toHaveLength(before + 2)
  })

  test('at the release is reported, and does not end the election', async () => {
    let down = true
    const { time, candidate, errors, terms, last } = stage((inner) => ({
      release: (request) => (down ? Promise.reject(new LockError('LOCK_BACKEND', 'no route')) : inner.release(request)),
      cancel: (request) => (down ? Promise.reject(new LockError('LOCK_BACKEND', 'no route')) : inner.cancel(request)),
    }))
    candidate('one')
    await time.advance(100)
    last().settle()
    await time.advance(100)
    down = false
    expect(errors).toHaveLength(1)
    await time.advance(40_000)
    expect(terms).toHaveLength(2)
  })

  test('LOCK_MISMATCH is reported at each try, and heals when the name is free', async () => {
    const { time, backend, candidate, errors, terms } = stage()
    const permit = await new Semaphore('a', 2, { backend, ttl: 1_000_000 }).acquire()
    candidate('one')
    await time.advance(30_000)
    expect(errors.length).toBeGreaterThan(3)
    expect(errors.every((error) => error instanceof LockError && error.code === 'LOCK_MISMATCH')).toBe(true)
    await permit.release()
    await time.advance(10_000)
    expect(terms).toHaveLength(1)
  })
})

describe('stop', () => {
  test('while leading aborts the signal, waits for the body, and then releases', async () => {
    const { time, candidate, errors, lock, last } = stage()
    const election = candidate('one', { ttl: 3_000 })
    await time.advance(100)
    let stopped = false
    void election.stop().then(() => {
      stopped = true
    })
    expect(last().signal.aborted).toBe(true)
    expect(last().lease.signal.aborted).toBe(false)
    await time.advance(9_000)
    expect([stopped, last().lease.held, await lock.locked()]).toEqual([false, true, true])
    last().fail(last().signal.reason)
    await time.advance(0)
    expect([stopped, await lock.locked(), errors]).toEqual([true, false, []])
  })

  test('while campaigning leaves no waiter', async () => {
    const { time, candidate, terms, lock } = stage()
    candidate('one')
    const two = candidate('two')
    await time.advance(100)
    expect((await lock.inspect()).waiters).toBe(1)
    await two.stop()
    expect((await lock.inspect()).waiters).toBe(0)
    expect(terms).toHaveLength(1)
  })

  test('while campaigning is done once the backend has taken back what it was asked for', async () => {
    const answer = Promise.withResolvers<void>()
    const { time, candidate } = stage((inner) => ({
      cancel: (request) => answer.promise.then(() => inner.cancel(request)),
    }))
    candidate('one')
    const two = candidate('two')
    await time.advance(100)
    let stopped = false
    void two.stop().then(() => {
      stopped = true
    })
    await time.advance(1_000)
    expect(stopped).toBe(false)
    answer.resolve()
    await time.advance(0)
    expect(stopped).toBe(true)
  })

  test('while the backend hangs takes requestTimeout at most', async () => {
    const { time, candidate } = stage(() => ({ acquire: never, cancel: never }))
    const election = candidate('one', { requestTimeout: 500 })
    await time.advance(100)
    const stopping = election.stop()
    await time.advance(500)
    await stopping
  })

  test('ends a pause', async () => {
    const { time, candidate, terms, last } = stage()
    const election = candidate('one')
    for (let term = 1; term <= 6; term += 1) {
      await time.advance(term * 5_000)
      last().fail(new Error('wrong'))
    }
    await time.advance(0)
    await election.stop()
    await time.advance(1_001)
    expect([terms.length, time.timers]).toEqual([6, 0])
  })

  test('may be called again, and from the body without awaiting it', async () => {
    const { time, backend, lock } = stage()
    let terms = 0
    const election: Election = elect('a', {
      backend,
      onElected() {
        terms += 1
        void election.stop()
      },
    })
    await time.advance(10_000)
    await Promise.all([election.stop(), election.stop(), election[Symbol.asyncDispose]()])
    expect([terms, await lock.locked()]).toEqual([1, false])
  })

  test("follows the caller's signal, with its reason, and takes its listener off", async () => {
    const { time, candidate, last } = stage()
    const controller = new AbortController()
    const off = vi.spyOn(controller.signal, 'removeEventListener')
    const election = candidate('one', { signal: controller.signal })
    await time.advance(100)
    const reason = new Error('the server goes down')
    controller.abort(reason)
    expect(last().signal.reason).toBe(reason)
    last().settle()
    await election.stop()
    expect(off).toHaveBeenCalled()
  })

  test('by a signal with a reason that is no error: a body that throws it passes it on', async () => {
    const { time, candidate, errors, last } = stage()
    const controller = new AbortController()
    const election = candidate('one', { signal: controller.signal })
    await time.advance(100)
    controller.abort('enough')
    last().fail('enough')
    await election.stop()
    expect(errors).toEqual([])
  })

  test('by a signal that was aborted before: it never campaigns', async () => {
    const acquire = vi.fn(never)
    const { time, candidate } = stage(() => ({ acquire }))
    const election = candidate('one', { signal: AbortSignal.abort() })
    await election.stop()
    await time.advance(10_000)
    expect(acquire).not.toHaveBeenCalled()
    expect(time.timers).toBe(0)
  })

  test('leaves no timer, and nothing with its engine', async () => {
    const { time, backend, candidate, last } = stage()
    const election = candidate('one')
    await time.advance(100)
    last().settle()
    await time.advance(100)
    await election.stop()
    expect([...Engine.of(backend).waiting].filter(({ unseen }) => unseen === 0)).toEqual([])
    await time.advance(10_000)
    expect(time.timers).toBe(0)
  })

  test('comes with the closing of the backend', async () => {
    const { time, backend, candidate, errors, terms, last } = stage()
    const [one, two] = [candidate('one'), candidate('two')]
    await time.advance(100)
    const closing = createLocks({ backend }).close()
    await time.advance(0)
    await closing
    expect(last().signal.reason).toBeInstanceOf(LockBackendError)
    expect(last().lease.held).toBe(false)
    last().settle()
    await Promise.all([one.stop(), two.stop()])
    await time.advance(100_000)
    expect([terms.length, errors, time.timers]).toEqual([1, [], 0])
  })
})

describe('current', () => {
  test('gives the leader, the same for all, or null', async () => {
    const { time, candidate, last } = stage()
    const [one, two] = [candidate('one'), candidate('two')]
    expect(one.lease).toBe(null)
    await time.advance(100)
    const { owner, fencingToken } = last().lease
    expect(await two.current()).toEqual({ owner, fencingToken, metadata: 'one' })
    expect(await one.current()).toEqual(await two.current())
    await two.stop()
    last().settle()
    await time.advance(100)
    expect(await one.current()).toBe(null)
    expect(one.lease).toBe(null)
  })

  test('shows the token of the very lease, after many changes within one process, too', async () => {
    const { time, candidate, last } = stage()
    const [one] = [candidate('one'), candidate('two'), candidate('three')]
    for (let turn = 0; turn < 20; turn += 1) {
      await time.advance(2)
      expect((await one?.current())?.fencingToken).toBe(last().lease.fencingToken)
      last().settle()
      await time.advance(1_100)
    }
  })

  test('is null where the name is held in another mode, and rejects when the backend cannot tell', async () => {
    let down = false
    const { time, backend, candidate } = stage((inner) => ({
      inspect: (request) => (down ? never() : inner.inspect(request)),
    }))
    await new ReadWriteLock('a', { backend }).read.acquire()
    const election = candidate('one')
    expect(await election.current()).toBe(null)
    down = true
    const asking = expect(election.current()).rejects.toThrow(LockBackendError)
    await time.advance(3_001)
    await asking
  })
})

describe('reports', () => {
  test('are warnings of the process unless somebody hears them', async () => {
    const { time, candidate, last } = stage()
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    onTestFinished(() => warn.mockRestore())
    candidate('one', { onError: undefined })
    await time.advance(100)
    last().fail(new Error('the body failed'))
    await time.advance(0)
    expect(warn.mock.calls).toEqual([
      [
        expect.stringMatching(/^lock "a" on memory #\d+: onElected threw: the body failed \(the election goes on; /),
        { type: 'LockElectionWarning', detail: expect.stringContaining('elect.test.ts') },
      ],
    ])
  })

  test('of the backend say what failed', async () => {
    const { time, candidate } = stage(() => ({ acquire: never }))
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    onTestFinished(() => warn.mockRestore())
    candidate('one', { onError: undefined })
    await time.advance(3_001)
    expect(warn.mock.calls[0]?.[0]).toMatch(
      /^lock "a" on memory #\d+: acquiring got no answer within 3000 ms\. .*\(the election goes on; /,
    )
  })

  test.for([
    [
      'throws',
      (error: unknown) => {
        throw error
      },
    ],
    ['rejects', (error: unknown) => Promise.reject(error)],
  ] as const)('whose listener %s come out as an unhandled rejection, and the election goes on', async ([, onError]) => {
    const { time, candidate, terms, last } = stage()
    const listeners = process.listeners('unhandledRejection')
    const heard: unknown[] = []
    process.removeAllListeners('unhandledRejection').on('unhandledRejection', (error) => heard.push(error))
    onTestFinished(() => {
      process.removeAllListeners('unhandledRejection')
      for (const listener of listeners) process.on('unhandledRejection', listener)
    })
    candidate('one', { onError })
    await time.advance(100)
    const wrong = new Error('the body failed')
    last().fail(wrong)
    await time.advance(2_000)
    expect(heard).toEqual([wrong])
    expect(terms).toHaveLength(2)
  })
})

describe('arguments', () => {
  const backend = memoryBackend()
  const onElected = (): void => undefined
  const bad = (options: unknown, name: unknown = 'a') => {
    return () => elect(name as string, options as ElectOptions)
  }

  test('are checked at once', () => {
    expect(bad(undefined)).toThrow('options is undefined: it must be an object')
    expect(bad(onElected)).toThrow('use elect(name, { onElected })')
    expect(bad({ backend })).toThrow('onElected is undefined: it must be a function')
    expect(bad({ backend, onElected: true })).toThrow('onElected is true: it must be a function')
    expect(bad({ backend, onElected, onError: 1 })).toThrow('onError is 1: it must be a function')
    expect(bad({ backend, onElected, timeout: 1 })).toThrow('option "timeout" is unknown')
    expect(bad({ backend, onElected, onLost: onElected })).toThrow('option "onLost" is unknown')
    expect(bad({ backend, onElected, ttl: 1 })).toThrow(RangeError)
    expect(bad({ backend, onElected }, '')).toThrow(TypeError)
    expect(bad({ backend, onElected, namespace: 'a b' })).toThrow(TypeError)
  })

  test('that no retry would mend are refused at once', () => {
    expect(bad({ onElected })).toThrow(expect.objectContaining({ code: 'LOCK_UNCONFIGURED' }))
    expect(bad({ onElected, backend: 'nowhere://a' })).toThrow(TypeError)
    const plain = wrapped(backend, { capabilities: { ...backend.capabilities, queue: 'none' } })
    expect(bad({ onElected, backend: plain, fair: true })).toThrow(LockUnsupportedError)
  })

  test('come from configure and createLocks, too, without their timeouts', async () => {
    onTestFinished(() =>
      configure({ backend: undefined, namespace: undefined, timeout: undefined, metadata: undefined }),
    )
    configure({ backend, namespace: 'here', timeout: 1, metadata: 'configured' })
    const holder = await new Lock('b', { namespace: 'there' }).acquire()
    const terms: string[] = []
    const elected = Promise.withResolvers<void>()
    const locks = createLocks({ namespace: 'there', timeout: 1 })
    const options: ElectOptions = {
      namespace: undefined,
      onElected(lease, signal) {
        terms.push(lease.name)
        if (lease.name === 'b') elected.resolve()
        return new Promise((resolve) => signal.addEventListener('abort', resolve))
      },
      onError: elected.reject,
    }
    await using one = elect('a', options)
    await using _ = locks.elect('b', options)
    await expect.poll(() => terms).toEqual(['a'])
    await new Promise((resolve) => setTimeout(resolve, 20))
    await holder.release()
    await elected.promise
    expect(one.name).toBe('a')
    const [leader] = (await new Lock('a', { namespace: 'here' }).inspect()).holders
    expect(leader?.metadata).toBe('configured')
    expect(() => locks.elect('b', { ...options, timeout: 1 } as ElectOptions)).toThrow('option "timeout" is unknown')
  })
})

function thrownBy(work: () => void): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return expect.unreachable()
}
