import { describe, expect, test } from 'vitest'
import { wrapped } from '../src/conformance/expect.ts'
import { Lock, type LockBackend, LockLostError, type LockOptions, recordBackend } from '../src/index.ts'
import { MemoryStore } from '../src/memory-backend.ts'
import { VirtualTime } from './virtual-time.ts'

const TTL = 30_000
/** What of it counts here: less 1 %, 2 ms and the grain. */
const LASTS = TTL - 303

/** Leases of one backend that can come to doubt its holds, and what they ask of it. */
function stage() {
  const time = new VirtualTime()
  const inner = recordBackend(new MemoryStore(time), { runtime: time })
  let doubt: (sooner: number) => void = () => expect.fail('nobody listens')
  let answering: Promise<void> = Promise.resolve()
  const renewed: string[] = []
  const backend: LockBackend = {
    ...wrapped(inner, {}),
    onDoubt: (listener) => {
      doubt = listener
    },
    renew: async (request) => {
      renewed.push(request.key.name)
      const answer = await inner.renew(request)
      await answering
      return answer
    },
  }
  return {
    time,
    renewed,
    take: (name: string, options: LockOptions = {}) => new Lock(name, { backend, ttl: TTL, ...options }).acquire(),
    doubt: (sooner: number) => doubt(sooner),
    /** Renewals are carried out from now on, but answered only when the function that this returns is called. */
    withholdAnswers(): () => void {
      const { promise, resolve } = Promise.withResolvers<void>()
      answering = promise
      return resolve
    },
  }
}

describe('a backend that doubts its holds', () => {
  test('by more than is left of them ends all leases at once', async () => {
    const { time, renewed, take, doubt } = stage()
    const leases = [await take('a'), await take('b')]
    const signals = leases.map(({ signal }) => signal)
    await time.advance(5_000)
    doubt(TTL)
    await time.advance(0)
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
    expect(signals[0]?.reason).toBeInstanceOf(LockLostError)
    expect(leases.map(({ held }) => held)).toEqual([false, false])
    expect(renewed).toEqual([])
  })

  test('by less than is left takes that off each deadline and renews at once', async () => {
    const { time, renewed, take, doubt } = stage()
    const leases = [await take('a'), await take('b')]
    await time.advance(1_000)
    expect(renewed).toEqual([])
    doubt(10_000)
    for (const lease of leases) expect(lease.remaining).toBeCloseTo(LASTS - 1_000 - 10_000, 5)
    await time.advance(0)
    expect(renewed.toSorted()).toEqual(['a', 'b'])
    for (const lease of leases) expect(lease.remaining).toBeCloseTo(LASTS, 5)
  })

  test('by it knows not how much leaves the deadline and renews at once', async () => {
    const { time, renewed, take, doubt } = stage()
    const lease = await take('a')
    await time.advance(1_000)
    doubt(0)
    expect(lease.remaining).toBeCloseTo(LASTS - 1_000, 5)
    await time.advance(0)
    expect(renewed).toEqual(['a'])
  })

  test('does not get the old deadline back from a renewal that was sent before', async () => {
    const { time, take, doubt, withholdAnswers } = stage()
    const lease = await take('a')
    await time.advance(5_000)
    const answer = withholdAnswers()
    const renewal = lease.renew()
    doubt(10_000)
    answer()
    await renewal
    expect(lease.remaining).toBeCloseTo(TTL - 10_000 - 203, 5)
  })

  test('gets a full deadline from a renewal that is sent after', async () => {
    const { time, take, doubt } = stage()
    const lease = await take('a', { autoRenew: false })
    await time.advance(5_000)
    doubt(10_000)
    await lease.renew()
    expect(lease.remaining).toBeCloseTo(LASTS, 5)
  })

  test('has no lease renewed that is not to be renewed by itself', async () => {
    const { time, renewed, take, doubt } = stage()
    const lease = await take('a', { autoRenew: false })
    doubt(10_000)
    await time.advance(1_000)
    expect(renewed).toEqual([])
    expect(lease.remaining).toBeCloseTo(LASTS - 10_000 - 1_000, 5)
    await time.advance(LASTS - 11_000)
    expect(lease.held).toBe(false)
  })
})
