import { expect, test } from 'vitest'
import { secondsFor } from '../src/lifetime.ts'
import { EARLY } from '../src/line.ts'

const DAY = 86_400_000
const NOW = 1_767_323_045
const seconds = (milliseconds: number): number => secondsFor(milliseconds, NOW)

test.each([
  ['a millisecond', 1, 1 + EARLY],
  ['a second', 1_000, 1 + EARLY],
  ['a second and a bit', 1_001, 2 + EARLY],
  ['30 days, but for what is added', 30 * DAY - EARLY * 1_000, 30 * 86_400],
  ['for ever', Number.POSITIVE_INFINITY, 0],
])('%s: more than asked for, by as much as an item may go early', (_, asked, expected) => {
  expect(seconds(asked)).toBe(expected)
})

test('more than 30 days is a date by the server’s clock, later by the age of its reading', () => {
  expect(seconds(30 * DAY)).toBe(NOW + 30 * 86_400 + EARLY + 10)
  expect(seconds(200 * 365 * DAY)).toBe(2 ** 32 - 1)
})
