import { expect, test } from 'vitest'
import { History, hostNow } from '../../src/conformance/history.ts'
import type { LeaseMode } from '../../src/index.ts'

type Span = readonly [who: string, from: number, until: number, mode?: LeaseMode, token?: bigint]

function historyOf(permits: number, ...spans: readonly Span[]): History {
  const history = new History()
  history.permits = permits
  for (const [index, [who, from, until, mode = 'exclusive', token = BigInt(index + 1)]] of spans.entries())
    history.hold({ who, from, mode, fencingToken: token }, until)
  return history
}

const overlaps = (history: History): unknown =>
  history.overlaps().map(({ from, until, holdings }) => [from, until, holdings.map(({ who }) => who).join()])

test('holdings that follow each other do not overlap, not even if they touch', () => {
  expect(overlaps(historyOf(1, ['a', 0, 10], ['b', 10, 20], ['c', 25, 30]))).toEqual([])
})

test('the time in which two held is found to the microsecond', () => {
  expect(overlaps(historyOf(1, ['a', 0, 10], ['b', 9.999, 20]))).toEqual([[9.999, 10, 'a,b']])
})

test('a short holding within a long one is found, wherever it stands', () => {
  expect(overlaps(historyOf(1, ['b', 4, 5], ['a', 0, 10]))).toEqual([[4, 5, 'a,b']])
})

test('readers hold together, and a writer beside them is found', () => {
  const readers: readonly Span[] = [
    ['a', 0, 10, 'shared'],
    ['b', 5, 15, 'shared'],
  ]
  expect(overlaps(historyOf(1, ...readers))).toEqual([])
  expect(overlaps(historyOf(1, ...readers, ['w', 14, 20]))).toEqual([[14, 15, 'b,w']])
})

test('as many as there are permits hold at once, and one more is found', () => {
  const spans: readonly Span[] = [
    ['a', 0, 10, 'semaphore'],
    ['b', 1, 10, 'semaphore'],
    ['c', 2, 3, 'semaphore'],
  ]
  expect(overlaps(historyOf(3, ...spans))).toEqual([])
  expect(overlaps(historyOf(2, ...spans))).toEqual([[2, 3, 'a,b,c']])
})

test('who had lost the lease before the grant reached it did not hold', () => {
  expect(overlaps(historyOf(1, ['a', 0, 10], ['b', 8, 7]))).toEqual([])
})

test('a grant with a token that is not above the one before is found, in the order of the grants', () => {
  const history = historyOf(
    1,
    ['b', 10, 12, 'exclusive', 7n],
    ['a', 0, 5, 'exclusive', 8n],
    ['c', 20, 21, 'exclusive', 7n],
  )
  expect(history.descents().map(([before, after]) => [before.who, after.who])).toEqual([
    ['a', 'b'],
    ['b', 'c'],
  ])
})

test('trouble lasts until all is calm; what happened at once does not last', () => {
  const history = new History()
  const lasting = history.trouble('pause')
  const instant = history.trouble('disconnect', undefined, 5)
  expect(lasting.until).toBe(Number.POSITIVE_INFINITY)
  history.calm()
  expect(lasting.until).toBeLessThanOrEqual(hostNow())
  expect([instant.from, instant.until]).toEqual([5, 5])
})
