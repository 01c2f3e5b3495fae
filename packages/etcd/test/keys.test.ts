import { lockKey } from '@locks/core'
import { describe, expect, test } from 'vitest'
import {
  contenderKey,
  contenderOf,
  grave,
  graves,
  type KeyRange,
  listRange,
  misfits,
  nameOf,
  placeOf,
} from '../src/keys.ts'

const NAMES = ['a', 'a/b', 'a%2Fb', 'a%', '%', '%25', '/', '..', 'ü🔒', 'a\0b', 'a:b', 'a~', '!', 'r', '{']
const OWNER = 'AZaz09-_xyz'

const within = ({ key, range_end }: KeyRange, one: Buffer): boolean =>
  Buffer.compare(key, one) <= 0 && Buffer.compare(one, range_end) < 0

const kinds = [
  { mode: 'exclusive', permits: 1, owner: OWNER },
  { mode: 'shared', permits: 1, owner: OWNER },
  { mode: 'semaphore', permits: 3, owner: OWNER },
  { mode: 'semaphore', permits: 31, owner: OWNER },
] as const

describe("a contender's key", () => {
  test.each(NAMES)('of %j tells who and which lock it is for', (name) => {
    const place = placeOf('locks/', lockKey('ns', name))
    for (const who of kinds) {
      const key = contenderKey(place, who)
      expect(contenderOf(key)).toEqual(who)
      expect(nameOf(key, 'locks/', 'ns')).toBe(name)
      expect(within(place.all, key)).toBe(true)
    }
  })

  test('is in the range of its kind only', () => {
    const place = placeOf('locks/', lockKey('', 'a'))
    const of = ({ writers, locks, permits }: typeof place, key: Buffer) =>
      [writers, locks, permits].map((one) => within(one, key))
    const keys = kinds.map((who) => contenderKey(place, who))
    expect(keys.map((key) => of(place, key))).toEqual([
      [true, true, false],
      [false, true, false],
      [false, false, true],
      [false, false, true],
    ])
  })

  test('is in no range of another lock', () => {
    const places = NAMES.map((name) => placeOf('locks/', lockKey('', name)))
    for (const one of places)
      for (const other of places)
        for (const who of kinds) expect(within(other.all, contenderKey(one, who))).toBe(one === other)
  })
})

test('misfits are those of another kind, or another number of permits', () => {
  const place = placeOf('locks/', lockKey('', 'a'))
  const excludes = kinds.map((who) =>
    kinds.map((other) => misfits(place, who).some((range) => within(range, contenderKey(place, other)))),
  )
  expect(excludes).toEqual([
    [false, false, true, true],
    [false, false, true, true],
    [true, true, false, true],
    [true, true, true, false],
  ])
})

test('a note that an owner has given up is no contender, and no other owner’s', () => {
  const place = placeOf('locks/', lockKey('', 'a'))
  const key = grave(place, OWNER, '123')
  expect(within(place.all, key)).toBe(false)
  expect(within(graves(place, OWNER), key)).toBe(true)
  for (const other of [`${OWNER}-`, OWNER.slice(1), OWNER.slice(0, -1)])
    expect(within(graves(place, other), key)).toBe(false)
  expect(nameOf(key, 'locks/', '')).toBeUndefined()
})

test('names that start alike are found by their beginning', () => {
  const who = kinds[0]
  for (const name of NAMES)
    for (const beginning of ['', ...NAMES]) {
      const key = contenderKey(placeOf('locks/', lockKey('ns', name)), who)
      expect(within(listRange('locks/', 'ns', beginning), key)).toBe(name.startsWith(beginning))
    }
  expect(within(listRange('locks/', 'n', ''), contenderKey(placeOf('locks/', lockKey('ns', 'a')), who))).toBe(false)
})
