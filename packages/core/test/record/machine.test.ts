import { beforeEach, describe, expect, test } from 'vitest'
import type { AcquireRequest } from '../../src/backend.ts'
import { acquire, advance, breakAll, CLAIM, isIdle, remove, renew } from '../../src/record/machine.ts'
import { EMPTY, type RecordState } from '../../src/record/state.ts'
import { Clock, request, WAITER_LIFE } from './clock.ts'

let clock: Clock
let state: RecordState

beforeEach(() => {
  clock = new Clock()
  state = EMPTY
})

const holders = (): string[] => state.holders.map(({ owner }) => owner)
const queue = (): string[] => state.queue.map(({ owner }) => owner)

function ask(who: string, change: Partial<AcquireRequest> = {}): string {
  const step = acquire(state, request(who, change), clock)
  state = step.state
  return step.outcome
}

const read = (who: string): string => ask(who, { mode: 'shared' })
const take = (who: string, permits: number): string => ask(who, { mode: 'semaphore', permits })

function leave(who: string): boolean {
  const step = remove(state, `secret-${who}`, clock)
  state = step.state
  return step.held
}

function prolong(who: string, ttl: number, rotateTo?: string): 'renewed' | 'lost' {
  const step = renew(state, { token: `secret-${who}`, ttl, rotateTo }, clock)
  state = step.state
  return step.holder === undefined ? 'lost' : 'renewed'
}

describe('acquiring', () => {
  test('a free lock grants it, with the next fencing token, until its ttl', () => {
    expect(ask('a')).toBe('granted')
    expect(state).toMatchObject({ fence: 1n, holders: [{ owner: 'a', fence: 1n, term: { at: 1_100, ttl: 100 } }] })
  })

  test('reserves as many tokens as asked for', () => {
    ask('a', { tokens: 64 })
    expect(state.fence).toBe(64n)
    leave('a')
    ask('b')
    expect(state.holders[0]?.fence).toBe(65n)
  })

  test('goes on above what the store knows of earlier tokens', () => {
    state = { ...state, fence: 500n }
    ask('a')
    expect(state.holders[0]?.fence).toBe(501n)
  })

  test('a held lock puts the asker into the queue, once, in arrival order', () => {
    ask('a')
    expect([ask('b'), ask('c'), ask('b')]).toEqual(['busy', 'busy', 'busy'])
    expect(queue()).toEqual(['b', 'c'])
  })

  test('a held lock without waiting leaves no trace', () => {
    ask('a')
    const before = state
    expect(ask('b', { wait: null })).toBe('busy')
    expect(state).toBe(before)
  })

  test('overtakes nobody in the queue', () => {
    ask('a')
    read('b')
    expect(ask('c', { wait: null, mode: 'shared' })).toBe('busy')
    leave('a')
    read('d')
    ask('w')
    expect(holders()).toEqual(['b', 'd'])
    expect(ask('e', { wait: null, mode: 'shared' })).toBe('busy')
  })

  test('again with the same token adopts the grant and arms its ttl anew', () => {
    ask('a')
    clock.now += 80
    expect(ask('a')).toBe('granted')
    expect(state).toMatchObject({ fence: 1n, holders: [{ fence: 1n, term: { at: 1_180 } }] })
  })

  test('again with the same token never shortens the hold', () => {
    ask('a', { ttl: 1_000 })
    ask('a', { ttl: 10 })
    expect(state.holders[0]?.term.at).toBe(2_000)
  })

  test('again while waiting keeps the waiter alive beyond its first life', () => {
    ask('a', { ttl: 10 * WAITER_LIFE })
    ask('b')
    for (let looks = 0; looks < 5; looks += 1) {
      clock.now += WAITER_LIFE / 2
      ask('b')
    }
    expect(queue()).toEqual(['b'])
  })

  test('after the holder ran out grants it, with a higher token', () => {
    ask('a')
    clock.now += 100
    expect(ask('b')).toBe('granted')
    expect(holders()).toEqual(['b'])
    expect(state.holders[0]?.fence).toBe(2n)
  })

  test('in another way than it is used is a mismatch, whether held or waited for', () => {
    take('a', 2)
    expect([take('b', 3), ask('c'), read('d')]).toEqual(['mismatch', 'mismatch', 'mismatch'])
    leave('a')
    ask('e')
    expect(take('f', 2)).toBe('mismatch')
    expect(read('g')).toBe('busy')
  })
})

describe('releasing', () => {
  test('grants the first waiter a short claim, with a token of its own', () => {
    ask('a', { tokens: 8 })
    ask('b', { ttl: 10 * CLAIM })
    expect(leave('a')).toBe(true)
    expect(state.holders).toMatchObject([{ owner: 'b', fence: 9n, term: { ttl: CLAIM } }])
  })

  test('never claims for longer than the waiter wants to hold', () => {
    ask('a')
    ask('b', { ttl: 50 })
    leave('a')
    expect(state.holders[0]?.term.ttl).toBe(50)
  })

  test('what one does not hold changes nothing', () => {
    ask('a')
    const before = state
    expect(leave('b')).toBe(false)
    expect(state).toBe(before)
  })

  test('what ran out is false, and takes nothing from the successor', () => {
    ask('a')
    clock.now += 100
    ask('b')
    expect(leave('a')).toBe(false)
    expect(holders()).toEqual(['b'])
  })

  test('takes a waiter out of the queue', () => {
    ask('a')
    ask('b')
    ask('c')
    expect(leave('b')).toBe(false)
    expect(queue()).toEqual(['c'])
  })

  test('skips waiters that gave no sign of life', () => {
    ask('a', { ttl: 10 * WAITER_LIFE })
    ask('b')
    clock.now += WAITER_LIFE - 1
    ask('c')
    clock.now += 1
    leave('a')
    expect(holders()).toEqual(['c'])
  })

  test('skips waiters whose process is gone', () => {
    ask('a')
    ask('b')
    state = { ...state, queue: state.queue.map((waiter) => ({ ...waiter, process: 'dead' })) }
    ask('c')
    clock.gone.add('dead')
    leave('a')
    expect(holders()).toEqual(['c'])
  })

  test('everything leaves an idle record that keeps the highest token', () => {
    ask('a', { tokens: 5 })
    leave('a')
    expect(isIdle(state)).toBe(true)
    expect(state.fence).toBe(5n)
  })
})

describe('readers and writers', () => {
  test('readers in a row enter together when the writer leaves, up to the next writer', () => {
    ask('w')
    read('a')
    read('b')
    ask('x')
    read('c')
    leave('w')
    expect([holders(), queue()]).toEqual([
      ['a', 'b'],
      ['x', 'c'],
    ])
    leave('a')
    expect(holders()).toEqual(['b'])
    leave('b')
    expect([holders(), queue()]).toEqual([['x'], ['c']])
  })

  test('a reader joins readers while nobody waits', () => {
    expect([read('a'), read('b')]).toEqual(['granted', 'granted'])
    expect(new Set(state.holders.map(({ fence }) => fence)).size).toBe(2)
  })

  test('a reader that ran out does not live on the others', () => {
    read('a')
    clock.now += 60
    read('b')
    clock.now += 60
    state = advance(state, clock)
    expect(holders()).toEqual(['b'])
  })

  test('a writer who leaves the queue lets the readers behind it in', () => {
    read('a')
    ask('w')
    read('b')
    leave('w')
    expect(holders()).toEqual(['a', 'b'])
  })
})

describe('a semaphore', () => {
  test('holds as many as it has permits, then queues', () => {
    expect([take('a', 2), take('b', 2), take('c', 2)]).toEqual(['granted', 'granted', 'busy'])
    leave('a')
    expect([holders(), queue()]).toEqual([['b', 'c'], []])
  })

  test('gives several freed permits at once', () => {
    for (const who of ['a', 'b', 'c', 'd', 'e']) take(who, 2)
    clock.now += 100
    state = advance(state, clock)
    expect([holders(), queue()]).toEqual([['c', 'd'], ['e']])
  })
})

describe('renewing', () => {
  test('arms the ttl from now', () => {
    ask('a')
    clock.now += 50
    expect(prolong('a', 100)).toBe('renewed')
    expect(state.holders[0]?.term.at).toBe(1_150)
  })

  test('never shortens', () => {
    ask('a', { ttl: 1_000 })
    const before = state
    clock.now += 1
    expect(prolong('a', 100)).toBe('renewed')
    expect(state.holders[0]?.term).toBe(before.holders[0]?.term)
  })

  test('what ran out, was released, broken or never held is lost', () => {
    expect(prolong('a', 100)).toBe('lost')
    ask('a')
    clock.now += 100
    expect(prolong('a', 100)).toBe('lost')
    ask('b')
    leave('b')
    expect(prolong('b', 100)).toBe('lost')
    ask('c')
    state = breakAll(state, clock).state
    expect(prolong('c', 100)).toBe('lost')
  })

  test('makes a hold permanent, for good', () => {
    ask('a')
    prolong('a', Number.POSITIVE_INFINITY)
    prolong('a', 100)
    clock.now += 1e12
    expect(ask('b')).toBe('busy')
    expect(holders()).toEqual(['a'])
  })

  test('with a new secret makes the old one void, and can be repeated', () => {
    ask('a')
    expect(prolong('a', 100, 'fresh')).toBe('renewed')
    expect(prolong('a', 100)).toBe('lost')
    expect(leave('a')).toBe(false)
    expect(prolong('a', 100, 'fresh')).toBe('renewed')
    expect(prolong('a', 100, 'other')).toBe('lost')
    expect(state.holders).toMatchObject([{ owner: 'a', token: 'fresh', fence: 1n }])
  })
})

describe('breaking', () => {
  test('ends all holds and lets the next in', () => {
    read('a')
    read('b')
    ask('w')
    const step = breakAll(state, clock)
    state = step.state
    expect([step.held, holders()]).toEqual([true, ['w']])
  })

  test('a free lock is false and changes nothing', () => {
    expect(breakAll(state, clock)).toEqual({ held: false, state })
    expect(breakAll(state, clock).state).toBe(state)
  })
})
