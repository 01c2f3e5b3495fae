import { createHash } from 'node:crypto'
import { lockKey } from '@locks/core'
import { describe, expect, test } from 'vitest'
import { directoryName, isHashed, keyOfLabel, keyOfName, labelOf } from '../src/key-names.ts'

const PIECES = [
  'a',
  'A',
  'z',
  '0',
  '.',
  '..',
  '-',
  '_',
  '/',
  '\\',
  '@',
  '~',
  ':',
  '%',
  '%41',
  ' ',
  '\0',
  '\n',
  'é',
  'e\u0301',
]
const MORE_PIECES = ['ß', 'İ', '😀', '{', '}', '*', '"', "'", '.new', '.floor', 'con', 'x'.repeat(90), '%'.repeat(40)]

/** Repeatable: the same names in each run. */
function* randomNames(count: number): Generator<{ namespace: string; name: string }> {
  const pieces = [...PIECES, ...MORE_PIECES]
  const namespaces = ['', 'a', 'A', '.', '..', '.new', 'b-b_', 'n'.repeat(255)]
  for (let round = 0; round < count; round += 1) {
    const bytes = createHash('sha256').update(String(round)).digest()
    const length = 1 + ((bytes[0] ?? 0) % 8)
    const name = Array.from({ length }, (_, index) => pieces[(bytes[index + 1] ?? 0) % pieces.length]).join('')
    yield { namespace: namespaces[(bytes[30] ?? 0) % namespaces.length] ?? '', name }
  }
}

describe('directory names', () => {
  test('read like the lock where it is harmless', () => {
    expect(directoryName(lockKey('billing', 'invoice:42'))).toBe('billing@invoice%3a42')
    expect(directoryName(lockKey('', 'nightly-backup'))).toBe('@nightly-backup')
  })

  test('are a hash behind a beginning where they would be too long', () => {
    const name = directoryName(lockKey('', 'é'.repeat(400)))
    expect(name).toMatch(/^@(?:%c3%a9)+(?:%c3)?~[0-9a-f]{64}$/)
    expect(isHashed(name)).toBe(true)
  })

  test('never collide, not even where case is folded, and lead back to the lock', () => {
    const seen = new Map<string, string>()
    for (const { namespace, name } of randomNames(20_000)) {
      const key = lockKey(namespace, name)
      const directory = directoryName(key)
      expect(directory).toMatch(/^[a-z0-9._@%~-]{1,255}$/)
      expect(['.', '..', '.new', '.floor', '.sweep', '.sweep.lock']).not.toContain(directory)
      expect(seen.get(directory) ?? key.id).toBe(key.id)
      seen.set(directory, key.id)
      const found = isHashed(directory) ? keyOfLabel(labelOf(key), directory) : keyOfName(directory)
      expect(found).toEqual(key)
    }
  })

  test('of others are no locks', () => {
    for (const name of ['@', 'a@', 'a@B', 'a@%4', 'a@%ZZ', 'a@%61', 'a@%ff', 'a b@c', 'lost+found', '.new'])
      expect(keyOfName(name), name).toBeUndefined()
  })

  test('a label that belongs to another directory names nothing', () => {
    const directory = directoryName(lockKey('', 'x'.repeat(300)))
    expect(keyOfLabel(`:${'y'.repeat(300)}`, directory)).toBeUndefined()
    expect(keyOfLabel('%', directory)).toBeUndefined()
    expect(keyOfLabel(':%', directory)).toBeUndefined()
  })
})
