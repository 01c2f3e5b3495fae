import { lockKey, type RecordHolder, type RecordWrite } from '@locks/core'
import { describe, expect, test } from 'vitest'
import type { LeaseObject, LeaseSpec } from '../src/client.ts'
import { checkOwner, freeLease, ownerOf, readingOf, withRecord } from '../src/lease.ts'
import { leaseNameOf } from '../src/names.ts'

const key = lockKey('billing', 'invoice:42')
const NOW = Date.parse('2026-01-02T03:04:05.678Z')

const holder = (owner: string, change: Partial<RecordHolder> = {}): RecordHolder => ({
  owner,
  mode: 'exclusive',
  fence: 1n,
  metadata: 'web-1:4711',
  term: { ttl: 30_000 },
  ...change,
})

const record = (value: string, holders: readonly RecordHolder[], moved = true): RecordWrite => ({
  value,
  fence: 1n,
  holders,
  moved,
  keepFor: 0,
  essence: () => value,
})

const stored = (lease: LeaseObject, resourceVersion = '7'): LeaseObject => ({
  ...lease,
  metadata: { ...lease.metadata, uid: 'u', resourceVersion },
})

const free = (): LeaseObject => stored(freeLease('billing-invoice-42-x', 'jobs', key))
const held = (): LeaseObject => stored(withRecord(free(), record('r1', [holder('anna')]), NOW))
const changed = (lease: LeaseObject, spec: Partial<LeaseSpec>): LeaseObject => ({
  ...lease,
  spec: { ...lease.spec, ...spec },
})

describe('the plain fields', () => {
  test('are what client-go writes', () => {
    expect(held().spec).toEqual({
      holderIdentity: 'web-1:4711_anna',
      leaseDurationSeconds: 30,
      acquireTime: '2026-01-02T03:04:05.678000Z',
      renewTime: '2026-01-02T03:04:05.678000Z',
      leaseTransitions: 0,
    })
  })

  test('keep the time of the grant over a renewal, and never repeat a time, even if the clock was set back', () => {
    const { spec } = withRecord(held(), record('r2', [holder('anna')]), NOW - 3_600_000)
    expect(spec).toMatchObject({
      acquireTime: '2026-01-02T03:04:05.678000Z',
      renewTime: '2026-01-02T03:04:05.678001Z',
      leaseTransitions: 0,
    })
  })

  test('count the changes of the holder', () => {
    const next = withRecord(held(), record('r2', [holder('ben')]), NOW + 1_000)
    expect(next.spec).toMatchObject({ leaseTransitions: 1, acquireTime: '2026-01-02T03:04:06.678000Z' })
  })

  test('stay what the server takes, however often the holder has changed', () => {
    const { spec } = withRecord(changed(held(), { leaseTransitions: 2 ** 31 - 1 }), record('r', [holder('ben')]), NOW)
    expect(spec?.leaseTransitions).toBe(2 ** 31 - 1)
  })

  test('of a release are those of client-go', () => {
    expect(withRecord(held(), record('r2', []), NOW + 1_000).spec).toMatchObject({
      holderIdentity: '',
      leaseDurationSeconds: 1,
      leaseTransitions: 0,
    })
  })

  test('round a fraction of a second up, and hold what is for ever', () => {
    const seconds = (ttl: number): number | undefined =>
      withRecord(free(), record('r', [holder('anna', { term: { ttl } })]), NOW).spec?.leaseDurationSeconds
    expect([seconds(1_000), seconds(1_001), seconds(Number.POSITIVE_INFINITY)]).toEqual([1, 2, 2 ** 31 - 1])
  })

  test('tell of several holders, for the longest time that one has', () => {
    const holders = [holder('anna', { term: { ttl: 5_000 } }), holder('ben', { term: { ttl: 9_000 } })]
    expect(withRecord(free(), record('r', holders), NOW).spec).toMatchObject({
      holderIdentity: 'web-1:4711_anna and 1 more',
      leaseDurationSeconds: 9,
    })
  })

  test('stay as they are when only the queue changes', () => {
    const before = held()
    expect(withRecord(before, record('r2', [holder('anna')], false), NOW + 5_000).spec).toBe(before.spec)
  })

  test('are well-formed, whatever the metadata ends with', () => {
    const metadata = `${'x'.repeat(199)}🔒`
    const { holderIdentity } = withRecord(free(), record('r', [holder('anna', { metadata })]), NOW).spec ?? {}
    expect(holderIdentity?.isWellFormed()).toBe(true)
  })
})

describe('what lies beside them', () => {
  test('is kept: labels, annotations and fields of others', () => {
    const theirs: LeaseObject = {
      ...free(),
      metadata: { ...free().metadata, labels: { team: 'a' }, annotations: { note: 'n' }, managedFields: [{}] },
    }
    const after = withRecord(changed(theirs, { strategy: 'x' } as object), record('r', [holder('anna')]), NOW)
    expect(after.metadata).toMatchObject({
      labels: { team: 'a' },
      annotations: { note: 'n' },
      uid: 'u',
      resourceVersion: '7',
    })
    expect(after.metadata?.managedFields).toBeUndefined()
    expect(after.spec).toMatchObject({ strategy: 'x' })
  })

  test('names the lock, and a Lease of another one is refused', () => {
    expect(() => checkOwner(key, held(), 'here')).not.toThrow()
    for (const other of [lockKey('billing', 'other'), lockKey('', 'invoice:42')])
      expect(() => checkOwner(other, held(), 'here')).toThrow(/belongs to the lock "invoice:42"/)
  })
})

test('each write is another one than before, even if nothing changes: to the server it would be none', () => {
  const once = stored(withRecord(held(), record('r1', [holder('anna')], false), NOW))
  const twice = withRecord(once, record('r1', [holder('anna')], false), NOW)
  expect(twice.metadata?.annotations).not.toEqual(once.metadata?.annotations)
  expect(readingOf(stored(twice))).toMatchObject({ value: 'r1', outsider: undefined })
})

describe('the lock that a Lease belongs to', () => {
  const named = (name: string, annotations: Readonly<Record<string, string>>) =>
    ownerOf({ metadata: { name, annotations } })

  test('is what it says, if it has the name of that lock’s', () => {
    const own = { 'locks/name': 'invoice:42', 'locks/namespace': 'billing' }
    expect(named(leaseNameOf(key), own)).toEqual(key)
    expect(named(`${leaseNameOf(key)}-copy`, own)).toBeUndefined()
  })

  test.each([
    ['no name', {}],
    ['an empty name', { 'locks/name': '' }],
    ['a namespace that none can have', { 'locks/name': 'a', 'locks/namespace': 'ü' }],
  ])('is none with %s', (_, annotations: Readonly<Record<string, string>>) => {
    expect(named('x', annotations)).toBeUndefined()
  })
})

describe('a reading', () => {
  test('is the record that was written, and a floor above all tokens before', () => {
    expect(readingOf(held())).toEqual({ value: 'r1', outsider: undefined, floor: 7n << 20n })
    expect(readingOf(free())).toEqual({ value: null, outsider: null, floor: 7n << 20n })
  })

  test('refuses versions that are no numbers', () => {
    expect(() => readingOf(stored(free(), 'abc'))).toThrow(/resource version "abc" is no number/)
  })

  test.each([
    ['renewed', { renewTime: '2026-01-02T03:05:00.000001Z' }],
    ['taken', { holderIdentity: 'scheduler_1', leaseTransitions: 1 }],
  ] as const)('notices that somebody else has %s it', (_, spec) => {
    const { value, outsider } = readingOf(changed(held(), spec))
    expect(value).toBe('r1')
    expect(outsider).toMatchObject({
      ttl: 30_000,
      metadata: 'holderIdentity' in spec ? 'scheduler_1' : 'web-1:4711_anna',
    })
  })

  test('notices that somebody else has freed it', () => {
    const { outsider } = readingOf(changed(held(), { holderIdentity: '', renewTime: '2026-01-02T03:05:00.000001Z' }))
    expect(outsider).toBeNull()
  })

  test('takes a waiter’s note over an outsider for what it is', () => {
    const taken = changed(held(), { holderIdentity: 'scheduler_1', leaseTransitions: 1 })
    const noted = stored(withRecord(taken, record('with a waiter', [holder('x')], false), NOW), '9')
    expect(readingOf(noted)).toMatchObject({ value: 'with a waiter', outsider: undefined })
    expect(readingOf(changed(noted, { renewTime: '2026-01-02T03:06:00Z' })).outsider).toMatchObject({
      metadata: 'scheduler_1',
    })
  })

  test.each(['1969-12-31T23:59:59.000000Z', '9999-12-31T23:59:59.999999Z', 'never'])(
    'has a stamp that fits a record for an outsider’s time of %s',
    (renewTime) => {
      const stamp = readingOf(changed(held(), { renewTime })).outsider?.stamp ?? Number.NaN
      expect(stamp).toSatisfy((value: number) => Number.isSafeInteger(value) && value >= 0 && value <= 1e16)
    },
  )

  test('shows one outsider as the same from renewal to renewal, with another stamp each time', () => {
    const foreign = (renewTime: string) =>
      readingOf(stored({ spec: { holderIdentity: 'scheduler_1', leaseDurationSeconds: 15, renewTime } })).outsider
    const [first, second] = [foreign('2026-01-02T03:06:00.000001Z'), foreign('2026-01-02T03:06:00.000002Z')]
    expect(first?.owner).toBe(second?.owner)
    expect(first?.owner).toMatch(/^[\w-]{11}$/)
    expect((second?.stamp ?? 0) - (first?.stamp ?? 0)).toBe(1)
  })
})
