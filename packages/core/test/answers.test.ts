import { expect, test } from 'vitest'
import { Lock } from '../src/lock.ts'
import { memoryBackend } from '../src/memory-backend.ts'

test('an adapter that answers without a promise, after a failure, is heard', async () => {
  const backend = memoryBackend()
  const acquire = backend.acquire.bind(backend)
  let calls = 0
  backend.acquire = (request) => {
    calls += 1
    if (calls === 1) return Promise.reject(new Error('once'))
    const given = { outcome: 'busy', retryAfter: 10, holder: undefined } as const
    return calls === 2 ? (given as never) : acquire(request)
  }
  expect(await new Lock('a', { backend }).tryAcquire()).toBe(null)
})
