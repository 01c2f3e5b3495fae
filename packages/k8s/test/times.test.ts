import { expect, test } from 'vitest'
import { microsOf, textOf } from '../src/times.ts'

test.each([
  ['2026-01-02T03:04:05.123456Z', 1_767_323_045_123_456],
  ['2026-01-02T03:04:05.12Z', 1_767_323_045_120_000],
  ['2026-01-02T03:04:05Z', 1_767_323_045_000_000],
  ['2026-01-02T04:04:05.000001+01:00', 1_767_323_045_000_001],
])('%s', (text, micros) => {
  expect(microsOf(text)).toBe(micros)
})

test('a time that was read is written again to the letter', () => {
  for (const text of ['2026-01-02T03:04:05.123456Z', '2026-01-02T03:04:05.000007Z', '1999-12-31T23:59:59.999999Z'])
    expect(textOf(microsOf(text))).toBe(text)
})

test('a date of the library counts by its milliseconds', () => {
  expect(microsOf(new Date('2026-01-02T03:04:05.123Z'))).toBe(1_767_323_045_123_000)
})
