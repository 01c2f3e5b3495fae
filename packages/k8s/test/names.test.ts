import { lockKey } from '@locks/core'
import { describe, expect, test } from 'vitest'
import { leaseNameOf } from '../src/names.ts'

const nameOf = (name: string, namespace = ''): string => leaseNameOf(lockKey(namespace, name))

describe('the name of a Lease', () => {
  test('says which lock it is, and a hash makes it the only one', () => {
    expect(nameOf('invoice:42', 'billing')).toMatch(/^billing-invoice-42-[0-9a-f]{32}$/)
    expect(nameOf('Äpfel & Birnen')).toMatch(/^a-pfel-birnen-[0-9a-f]{32}$/)
    expect(nameOf('🔒')).toMatch(/^lock-[0-9a-f]{32}$/)
  })

  test.each(['a', '/', '..', 'a'.repeat(1_024), '-', 'a b', 'A', '漢字', `${'a'.repeat(47)}--b`, '{x}'])(
    'is one that Kubernetes takes: %j',
    (name) => {
      for (const namespace of ['', 'x', '-', 'n'.repeat(255)]) {
        const made = nameOf(name, namespace)
        expect(made).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
        expect(made).not.toContain('--')
        expect(made.length).toBeLessThanOrEqual(81)
      }
    },
  )

  test('differs where what is readable does not', () => {
    const names = [nameOf('a b'), nameOf('a-b'), nameOf('A b'), nameOf('b', 'a'), nameOf('a:b'), nameOf('a', 'b')]
    expect(new Set(names).size).toBe(names.length)
  })
})
