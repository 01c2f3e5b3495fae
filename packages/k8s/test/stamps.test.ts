import { describe, expect, test } from 'vitest'
import type { ManagedFields } from '../src/client.ts'
import { restOf, writerOf } from '../src/stamps.ts'

const HOLD = { 'f:spec': { 'f:renewTime': {} } }
const RECORD = { 'f:metadata': { 'f:annotations': { 'f:locks/record': {} } } }
const at = (second: number): string => `2026-01-01T00:00:${String(second).padStart(2, '0')}Z`
const date = 'Thu, 01 Jan 2026 00:01:00 GMT'

const by = (manager: string, second: number, fieldsV1: object): ManagedFields => ({
  manager,
  time: at(second),
  fieldsV1,
})

const lease = (...managedFields: readonly ManagedFields[]) => ({ metadata: { managedFields } })

describe('how long nothing was written', () => {
  test('takes off the grain of the stamps, the skew that is allowed and the time of the request', () => {
    const both = lease(by('locks-1', 20, { ...HOLD, ...RECORD }))
    expect(restOf(both, date, 300, 5_000)).toEqual({ holders: 33_700, record: 33_700 })
    expect(restOf(both, date, 0, 0)).toEqual({ holders: 39_000, record: 39_000 })
  })

  test('takes a stamp that the library made a date of', () => {
    const entry = { ...by('locks-1', 0, { ...HOLD, ...RECORD }), time: new Date(at(20)) }
    expect(restOf(lease(entry), date, 0, 0)?.holders).toBe(39_000)
  })

  test('tells holders from who only wrote beside them', () => {
    const two = lease(by('locks-1', 20, HOLD), by('locks-2', 50, RECORD), by('kubectl', 59, { 'f:metadata': {} }))
    expect(restOf(two, date, 0, 0)).toEqual({ holders: 39_000, record: 9_000 })
  })

  test('goes by the newest stamp of several', () => {
    const named = by('locks-2', 40, { 'f:spec': { 'f:holderIdentity': {} } })
    expect(restOf(lease(by('locks-1', 20, { ...HOLD, ...RECORD }), named), date, 0, 0)?.holders).toBe(19_000)
  })

  test('is never below 0, whatever the clocks say', () => {
    const future = { ...by('locks-1', 0, { ...HOLD, ...RECORD }), time: '2027-01-01T00:00:00Z' }
    expect(restOf(lease(future), date, 0, 0)).toEqual({ holders: 0, record: 0 })
  })

  test('is 0 where as much skew is allowed as you like', () => {
    const both = lease(by('locks-1', 20, { ...HOLD, ...RECORD }))
    expect(restOf(both, date, 0, Number.POSITIVE_INFINITY)).toEqual({ holders: 0, record: 0 })
  })

  test.each([
    ['no account', lease(), date],
    ['no date', lease(by('locks-1', 20, { ...HOLD, ...RECORD })), undefined],
    ['a stamp without a time', lease({ manager: 'locks-1', fieldsV1: { ...HOLD, ...RECORD } }), date],
    ['another writer’s renewal', lease(by('kube-scheduler', 20, HOLD), by('locks-1', 20, RECORD)), date],
    [
      'another writer’s name in it',
      lease(by('locks-1', 20, { ...HOLD, ...RECORD }), by('kubectl', 50, { 'f:spec': { 'f:holderIdentity': {} } })),
      date,
    ],
    [
      'a renewal that another one claims as well',
      lease(by('locks-1', 20, { ...HOLD, ...RECORD }), by('x', 20, HOLD)),
      date,
    ],
    ['nobody’s record', lease(by('locks-1', 20, HOLD)), date],
  ])('is not known with %s', (_, one, answered) => {
    expect(restOf(one, answered, 0, 0)).toBeUndefined()
  })
})

test('who writes next has neither of the fields that are written', () => {
  expect(writerOf({})).toBe('locks-1')
  expect(writerOf(lease(by('locks-1', 1, { ...HOLD, ...RECORD })))).toBe('locks-2')
  expect(writerOf(lease(by('locks-2', 1, HOLD), by('locks-1', 2, RECORD)))).toBe('locks-3')
  expect(writerOf(lease(by('locks-1', 1, {}), by('locks-3', 1, HOLD), by('kubectl', 2, RECORD)))).toBe('locks-1')
})
