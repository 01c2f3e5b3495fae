import { LockBackendError, lockKey } from '@locks/core'
import { expect, test } from 'vitest'
import { failure, isLeaseGone, isPassing } from '../src/failure.ts'

const key = lockKey('ns', 'a')

test.each([
  [
    '7 PERMISSION_DENIED: etcdserver: permission denied',
    /lock "a" \(namespace "ns"\) on etcd h:1: acquiring failed: .*readwrite/,
  ],
  ['etcdserver: authentication failed, invalid user ID or password', /another user name or password/],
  ['etcdserver: mvcc: database space exceeded', /out of space/],
])('%s is final, and says what to do', (message, words) => {
  const error = failure('h:1', key, 'acquiring', new Error(message))
  expect(error).toBeInstanceOf(LockBackendError)
  expect(error.message).toMatch(words)
})

test.each([
  '14 UNAVAILABLE: No connection established. Last error: connect ECONNREFUSED 127.0.0.1:1',
  '4 DEADLINE_EXCEEDED: Deadline exceeded after 0.1s',
  'etcdserver: no leader',
  'etcdserver: leader changed',
  'etcdserver: request timed out',
])('%s may pass: another member is asked, and core repeats it', (message) => {
  const error = new Error(message)
  expect(isPassing(error)).toBe(true)
  expect(failure('h:1', key, 'acquiring', error)).toBe(error)
})

test('a lease that is gone is told from other trouble', () => {
  expect(isLeaseGone(new Error('5 NOT_FOUND: etcdserver: requested lease not found'))).toBe(true)
  expect(isLeaseGone(new Error('etcdserver: no leader'))).toBe(false)
})

test('what gRPC adds without saying anything is left out', () => {
  const refused = 'No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1. Resolution note: '
  const thrown = new Error(`14 UNAVAILABLE: ${refused}`)
  const error = failure('h:1', key, 'acquiring', thrown)
  expect(error.message).toBe('14 UNAVAILABLE: No connection established. Last error: connect ECONNREFUSED 127.0.0.1:1')
  expect(error.cause).toBe(thrown)
  expect(isPassing(error)).toBe(true)
})
