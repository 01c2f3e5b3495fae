import { describe, expect, test } from 'vitest'
import { formatDuration, parseDuration } from '../src/duration.ts'
import { oneLine, printable, shellWord } from '../src/text.ts'

describe('durations', () => {
  test.for<[string, number]>([
    ['0', 0],
    ['250', 250],
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5s', 1_500],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['1d', 86_400_000],
    ['inf', Number.POSITIVE_INFINITY],
  ])('%s is %d ms', ([text, ms]) => {
    expect(parseDuration('--ttl', text)).toBe(ms)
  })

  test.for<[number, string]>([
    [0, '0 ms'],
    [9_999.4, '9999 ms'],
    [10_000, '10 s'],
    [119_000, '119 s'],
    [120_000, '2 min'],
    [7_200_000, '2 h'],
    [172_800_000, '2 d'],
    [Number.POSITIVE_INFINITY, 'no end'],
  ])('%d ms reads %s', ([ms, text]) => {
    expect(formatDuration(ms)).toBe(text)
  })
})

describe('text of others', () => {
  test('cannot drive the terminal', () => {
    expect(printable('a\u001b[2Jb\nc\u202Ed\u009be')).toBe('a\\u001b[2Jb\\u000ac\\u202ed\\u009be')
    expect(printable('naïve 👩‍👩‍👧 名')).toBe('naïve 👩‍👩‍👧 名')
  })

  test('becomes one line', () => {
    expect(oneLine(' first\n    second\r\nthird ')).toBe('first second third')
  })

  test('becomes one word of a shell', () => {
    expect(shellWord('file:///tmp/a-b_c')).toBe('file:///tmp/a-b_c')
    expect(shellWord("it's; rm")).toBe(`'it'\\''s; rm'`)
    expect(shellWord('')).toBe("''")
  })
})
