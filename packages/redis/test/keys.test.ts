import { lockKey } from '@locks/core'
import { expect, test } from 'vitest'
import { slotOf } from '../src/client/slot.ts'
import { mainKey, nameOf, pattern } from '../src/keys.ts'

test.for([
  ['123456789', 12_739],
  ['foo', 12_182],
  ['{foo}.bar', 12_182],
  ['a{foo}{bar}', 12_182],
  ['{}foo', 9_500],
  ['', 0],
] as const)('the slot of %j is %i', ([key, slot]) => {
  expect(slotOf(key)).toBe(slot)
})

const NAMES = ['a', 'a}b', '}', '{', '{}', '{x}', 'a:q', '}:q', 'ü{ñ}', '*[a-z]?\\', 'x'.repeat(1_024)]

test.for(NAMES)('all keys of the lock %j are in one slot, with any prefix', (name) => {
  for (const prefix of ['locks:', '', 'a{b}:', '{', 'p}{', '}'])
    for (const suffix of [':q', ':h', ':t', ':m']) {
      const main = mainKey(prefix, lockKey('ns', name))
      expect(slotOf(main + suffix)).toBe(slotOf(main))
    }
})

test('no key of one lock is a key of another', () => {
  const suffixes = ['', ':q', ':h', ':t', ':m']
  const keys = ['', 'ns'].flatMap((namespace) =>
    NAMES.flatMap((name) => suffixes.map((suffix) => mainKey('locks:', lockKey(namespace, name)) + suffix)),
  )
  expect(new Set(keys).size).toBe(keys.length)
})

test.for(NAMES)('the name %j is found again in its key', (name) => {
  expect(nameOf(mainKey('locks:', lockKey('ns', name)), 'locks:', 'ns')).toBe(name)
})

test('a pattern for SCAN takes what is special in a name as it is', () => {
  expect(pattern('locks:', 'ns', 'a*b?[c]^\\')).toBe('locks:{ns:a\\*b\\?\\[c\\]\\^\\\\*}')
})
