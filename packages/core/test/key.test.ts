import { describe, expect, test } from 'vitest'
import { describeKey, lockKey } from '../src/key.ts'

describe('a key', () => {
  test('has an id that tells any two pairs of namespace and name apart', () => {
    const parts = ['a', 'b', 'a.b', 'a-b', ':', 'a:b', '::', 'a:', ':a']
    const namespaces = ['', ...parts.filter((part) => !part.includes(':'))]
    const ids = namespaces.flatMap((namespace) => parts.map((name) => lockKey(namespace, name).id))
    expect(new Set(ids).size).toBe(ids.length)
  })

  test.for(['a', '..', '/', ' ', '\0', '🔒', '__proto__', 'x'.repeat(1_024), 'é'.repeat(512)])(
    'takes %j as a name, to the letter',
    (name) => {
      expect(lockKey('n', name)).toEqual({ namespace: 'n', name, id: `n:${name}` })
    },
  )

  test.for([
    ['', TypeError, 'name is empty'],
    [undefined, TypeError, 'name is undefined: it must be a string'],
    [null, TypeError, 'name is null: it must be a string'],
    [7, TypeError, 'name is 7: it must be a string'],
    ['\ud800', TypeError, 'a lone surrogate'],
    ['ok\udc00', TypeError, 'a lone surrogate'],
    ['x'.repeat(1_025), RangeError, 'name has 1025 bytes in UTF-8: at most 1024 are allowed'],
    ['é'.repeat(513), RangeError, 'name has 1026 bytes'],
  ] as const)('refuses the name %j', ([name, Class, message]) => {
    expect(() => lockKey('', name as string)).toThrow(Class)
    expect(() => lockKey('', name as string)).toThrow(message)
  })

  test.for(['', 'a', 'A9', 'a.b-c_d', '.', 'x'.repeat(255)])('takes %j as a namespace', (namespace) => {
    expect(lockKey(namespace, 'x').namespace).toBe(namespace)
  })

  test.for([
    ['a:b', TypeError],
    ['a/b', TypeError],
    ['a b', TypeError],
    ['ü', TypeError],
    ['a\n', TypeError],
    [undefined, TypeError],
    ['x'.repeat(256), RangeError],
  ] as const)('refuses the namespace %j', ([namespace, Class]) => {
    expect(() => lockKey(namespace as string, 'x')).toThrow(Class)
  })

  test('reads well in a message, whatever its name', () => {
    expect(describeKey(lockKey('', 'a"b\n'))).toBe('lock "a\\"b\\n"')
    expect(describeKey(lockKey('billing', 'invoice:42'))).toBe('lock "invoice:42" (namespace "billing")')
  })
})
