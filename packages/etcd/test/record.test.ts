import { lockKey } from '@locks/core'
import { expect, test } from 'vitest'
import type { KeyValue } from '../src/client.ts'
import { type Contender, contenderKey, placeOf } from '../src/keys.ts'
import { createRevision, decode, encode, fencingToken, holdersAmong } from '../src/record.ts'

const place = placeOf('locks/', lockKey('', 'a'))

const kv = (mode: Contender['mode'], permits: number, owner: string): KeyValue => ({
  key: contenderKey(place, { mode, permits, owner }),
  value: Buffer.alloc(0),
  create_revision: '1',
  mod_revision: '1',
  lease: '0',
})

const held = (...contenders: readonly KeyValue[]): number => holdersAmong(contenders).length

test('a revision has room for a million fencing tokens, and comes back from each of them', () => {
  expect(fencingToken('7') - fencingToken('6')).toBe(2n ** 20n)
  expect(createRevision(fencingToken('9223372036854775807') + 1_048_575n)).toBe('9223372036854775807')
})

test('the first writer holds alone', () => {
  expect(held(kv('exclusive', 1, 'a'), kv('exclusive', 1, 'b'), kv('shared', 1, 'c'))).toBe(1)
})

test('readers hold up to the first writer', () => {
  expect(held(kv('shared', 1, 'a'), kv('shared', 1, 'b'), kv('exclusive', 1, 'c'), kv('shared', 1, 'd'))).toBe(2)
  expect(held(kv('shared', 1, 'a'), kv('shared', 1, 'b'))).toBe(2)
})

test('as many hold as there are permits', () => {
  const contenders = ['a', 'b', 'c'].map((owner) => kv('semaphore', 2, owner))
  expect([0, 1, 2, 3].map((count) => held(...contenders.slice(0, count)))).toEqual([0, 1, 2, 2])
})

test('particulars come back, and what is none of ours is nobody’s', () => {
  const particulars = { token: 'secret', ttl: 1_500, metadata: 'host "a"\n🔒' }
  expect(decode(encode(particulars))).toEqual(particulars)
  expect(decode(Buffer.from('{"half'))).toMatchObject({ token: '' })
})
