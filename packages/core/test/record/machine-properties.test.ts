import { expect, test } from 'vitest'
import type { LeaseMode } from '../../src/backend.ts'
import { acquire, advance, breakAll, remove, renew } from '../../src/record/machine.ts'
import { decodeState, EMPTY, encodeState, type RecordState } from '../../src/record/state.ts'
import { Random } from '../random.ts'
import { Clock, request } from './clock.ts'

const OWNERS = [...'abcdefgh']

/** Rules that every record keeps, whatever happens. */
function assertSound(state: RecordState): void {
  const { holders, queue, fence } = state
  const modes = new Set([...holders, ...queue].map(({ mode }) => mode === 'semaphore'))
  expect(modes.size, 'locks and semaphores are not mixed').toBeLessThan(2)
  const [first] = holders
  if (first?.mode === 'exclusive') expect(holders).toHaveLength(1)
  if (first?.mode === 'semaphore') expect(holders.length).toBeLessThanOrEqual(first.permits)
  expect(new Set(holders.map(({ mode }) => mode)).size).toBeLessThan(2)
  const tokens = [...holders, ...queue].map(({ token }) => token)
  expect(new Set(tokens).size, 'nobody holds or waits twice').toBe(tokens.length)
  const fences = holders.map((holder) => holder.fence)
  expect(new Set(fences).size).toBe(fences.length)
  for (const one of fences) expect(one <= fence).toBe(true)
}

/** One random step of one random owner. */
function step(random: Random, clock: Clock, state: RecordState, semaphore: boolean): RecordState {
  const who = random.oneOf(OWNERS)
  const token = `secret-${who}`
  const ttl = 1 + random.below(200)
  const mode: LeaseMode = semaphore ? 'semaphore' : random.oneOf(['exclusive', 'shared'] as const)
  switch (random.below(6)) {
    case 0:
      clock.now += random.below(150)
      return state
    case 1:
      return renew(state, { token, ttl, rotateTo: undefined }, clock).state
    case 2:
      return remove(state, token, clock).state
    case 3:
      return random.below(10) === 0 ? breakAll(state, clock).state : state
    default: {
      const change = { mode, ttl, permits: semaphore ? 3 : 1, tokens: 1 + random.below(4) }
      return acquire(state, request(who, random.below(2) === 0 ? change : { ...change, wait: null }), clock).state
    }
  }
}

test.for(Array.from({ length: 60 }, (_, seed) => seed))('any sequence of steps keeps the rules (seed %d)', (seed) => {
  const random = new Random(seed)
  const clock = new Clock()
  let state: RecordState = EMPTY
  let highest = 0n
  const granted = new Map<string, bigint>()
  for (let steps = 0; steps < 300; steps += 1) {
    const before = state
    state = step(random, clock, state, seed % 3 === 0)
    assertSound(state)
    expect(state.fence >= before.fence, 'the fence never falls').toBe(true)
    for (const { token, fence, term } of state.holders) {
      if (granted.get(token) === fence) {
        const earlier = before.holders.find((holder) => holder.fence === fence)
        expect(term.at, 'a hold is never shortened').toBeGreaterThanOrEqual(earlier?.term.at ?? 0)
        continue
      }
      expect(fence > highest, 'each grant has a token above all before').toBe(true)
      granted.set(token, fence)
      highest = fence
    }
    // The order in the queue stays.
    const still = before.queue.map(({ token }) => token).filter((one) => state.queue.some(({ token }) => token === one))
    expect(state.queue.map(({ token }) => token).slice(0, still.length)).toEqual(still)
    // Nobody waits who could hold.
    expect(advance(state, clock).holders.length > 0 || advance(state, clock).queue.length === 0).toBe(true)
    expect(advance(advance(state, clock), clock)).toEqual(advance(state, clock))
    expect(decodeState(encodeState(state))).toEqual(state)
  }
})
