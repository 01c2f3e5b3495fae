import { describe, expect, test } from 'vitest'
import {
  DamagedRecord,
  decodeState,
  EMPTY,
  encodeEssence,
  encodeState,
  type RecordState,
} from '../../src/record/state.ts'
import { Random } from '../random.ts'
import { randomHolder, randomState } from './records.ts'

const SEEDS = Array.from({ length: 500 }, (_, seed) => seed)

const holder = {
  mode: 'exclusive',
  permits: 1,
  owner: 'owner',
  token: 'token',
  term: { clock: 'm', at: 1_000, ttl: 500 },
  process: '',
  metadata: 'host:1',
  fence: 7n,
  start: 500,
} as const
const waiter = { ...holder, token: 'next', wants: 300, tokens: 64 } as const

/** What reading a text comes to, apart from the one error that it may end with. */
function read(text: string): RecordState | undefined {
  try {
    return decodeState(text)
  } catch (error) {
    if (error instanceof DamagedRecord) return undefined
    throw error
  }
}

describe('a record', () => {
  test('comes back from its text as it was, whatever it contains', () => {
    for (const seed of SEEDS) {
      const state = randomState(new Random(seed))
      expect(decodeState(encodeState(state)), `seed ${seed}`).toEqual(state)
    }
  })

  test('has a text in the letters that a store must be able to keep', () => {
    for (const seed of SEEDS)
      expect(encodeState(randomState(new Random(seed))), `seed ${seed}`).toMatch(/^[\w\-.!~*'()%,;@]*$/)
  })

  test('has this text: readers of older and newer versions agree on it', () => {
    expect(encodeState(EMPTY)).toBe('1@0@@')
    expect(encodeState({ fence: 71n, holders: [holder], queue: [] })).toBe('1@47@e,owner,token,m,rs,dw,,host%3A1,7,dw@')
    const term = { clock: '', at: Number.POSITIVE_INFINITY, ttl: Number.POSITIVE_INFINITY }
    const permit = { ...holder, mode: 'semaphore', permits: 40, term, metadata: 'a,b;c@d' } as const
    expect(encodeState({ fence: 1n, holders: [permit], queue: [waiter] })).toBe(
      '1@1@p14,owner,token,,,,,a%2Cb%3Bc%40d,7,dw@e,owner,next,m,rs,dw,,host%3A1,8c,1s',
    )
  })

  test.for([
    '',
    '1',
    '1@0@',
    '1@0@@@',
    '0@0@@',
    '2@0@@',
    '1@@@',
    '1@-1@@',
    '1@0x1@@',
    '1@0@e,owner,token,m,rs,dw,,host,7@',
    '1@0@e,owner,token,m,rs,dw,,host,7,dw,x@',
    '1@0@x,owner,token,m,rs,dw,,host,7,dw@',
    '1@0@p,owner,token,m,rs,dw,,host,7,dw@',
    '1@0@e,,token,m,rs,dw,,host,7,dw@',
    '1@0@e,own er,token,m,rs,dw,,host,7,dw@',
    '1@0@e,owner,token,m,1.5,dw,,host,7,dw@',
    '1@0@e,owner,token,m,-1,dw,,host,7,dw@',
    '1@0@e,owner,token,m,rs,dw,,%E0%A4%A,7,dw@',
    '1@0@e,owner,token,m,rs,dw,,host,,dw@',
    '1@0@;@',
    '{"fence":1}',
    '\0\0\0\0',
  ])('that reads %j is damaged', (text) => {
    expect(() => decodeState(text)).toThrow(DamagedRecord)
  })

  test('that lost its end, or got a letter changed, is damaged or reads as another record: it fails in no other way', () => {
    for (const seed of SEEDS) {
      const random = new Random(seed)
      const text = encodeState(randomState(random))
      const cut = random.below(text.length)
      read(text.slice(0, cut))
      read(text.slice(cut))
      read(`${text.slice(0, cut)}${random.oneOf([...'@,;%zZ~ \0ü'])}${text.slice(cut + 1)}`)
    }
  })

  test('tells what it read in the message, but not all of it', () => {
    expect(() => decodeState(`9@${'x'.repeat(500)}`)).toThrow(/"9@x{118}"/)
  })
})

describe('the essence of a record', () => {
  const essence = (state: RecordState): RecordState => decodeState(encodeEssence(state))

  test('of a single holder is the holder without its texts, and nobody in the queue', () => {
    expect(essence({ fence: 9n, holders: [holder], queue: [waiter] })).toEqual({
      fence: 9n,
      holders: [{ ...holder, metadata: '' }],
      queue: [],
    })
  })

  test('of a free record is free, with the same fence', () => {
    expect(essence({ fence: 9n, holders: [], queue: [waiter] })).toEqual({ fence: 9n, holders: [], queue: [] })
  })

  test('of several holders lasts as long as the longest of them, and lets nobody else in', () => {
    const shared = [300, 900, 600].map((at) => ({ ...holder, mode: 'shared', term: { ...holder.term, at } }) as const)
    const readers = essence({ fence: 9n, holders: shared, queue: [] })
    expect(readers.holders).toHaveLength(1)
    expect(readers.holders[0]).toMatchObject({ mode: 'shared', term: { at: 900 } })
    const permits = shared.map((one) => ({ ...one, mode: 'semaphore', permits: 9 }) as const)
    expect(essence({ fence: 9n, holders: permits, queue: [] }).holders[0]).toMatchObject({ mode: 'exclusive' })
  })

  test('has at most 200 characters', () => {
    for (const seed of SEEDS) {
      const random = new Random(seed)
      const holders = Array.from({ length: 5 }, () => ({ ...randomHolder(random), process: '1234-567890-abc' }))
      const terms = holders.map((one) => ({ ...one, term: { ...one.term, clock: 'b5f1d1a2' } }))
      expect(encodeEssence({ fence: 2n ** 80n, holders: terms, queue: [] }).length, `seed ${seed}`).toBeLessThan(201)
    }
  })
})
