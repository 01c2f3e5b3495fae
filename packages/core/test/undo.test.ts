import { expect, test } from 'vitest'
import { wrapped } from '../src/conformance/expect.ts'
import { Lock, type LockBackend, recordBackend } from '../src/index.ts'
import { MemoryStore } from '../src/memory-backend.ts'
import { VirtualTime } from './virtual-time.ts'

test('one attempt that was repeated is taken back if it finds the lock busy: the first may still be carried out', async () => {
  const time = new VirtualTime()
  const inner = recordBackend(new MemoryStore(time), { runtime: time })
  const asked: string[] = []
  const cancelled: string[] = []
  const backend: LockBackend = {
    ...wrapped(inner, {}),
    runtime: time,
    acquire: ({ token }) => {
      asked.push(token)
      return asked.length === 1
        ? Promise.reject(new Error('the connection was cut'))
        : Promise.resolve({ outcome: 'busy', retryAfter: 1_000 })
    },
    cancel: ({ token }) => {
      cancelled.push(token)
      return Promise.resolve()
    },
  }
  const attempt = new Lock('a', { backend }).tryAcquire()
  await time.advance(100)
  expect(await attempt).toBe(null)
  expect(asked).toHaveLength(2)
  expect(cancelled).toEqual([asked[0]])
})

test('it is taken back, too, if between the failure and the busy answer there was a grant that came too late', async () => {
  const time = new VirtualTime()
  const inner = recordBackend(new MemoryStore(time), { runtime: time })
  const cancelled: string[] = []
  let asked = 0
  const backend: LockBackend = {
    ...wrapped(inner, {}),
    runtime: time,
    acquire: async ({ ttl }) => {
      asked += 1
      if (asked === 1) throw new Error('the connection was cut')
      if (asked > 2) return { outcome: 'busy', retryAfter: 1_000 }
      await new Promise<void>((resolve) => time.setTimer(ttl + 50, resolve))
      return { outcome: 'granted', fencingToken: 1n, ttl }
    },
    cancel: ({ token }) => {
      cancelled.push(token)
      return Promise.resolve()
    },
  }
  const attempt = new Lock('a', { backend, ttl: 200 }).tryAcquire()
  await time.advance(1_000)
  expect(await attempt).toBe(null)
  expect([asked, cancelled.length]).toEqual([3, 1])
})

/** A backend that does not answer an acquire, and fails the given number of cancels; and when the last of them came. */
function stage(failures: number) {
  const time = new VirtualTime()
  const inner = recordBackend(new MemoryStore(time), { runtime: time })
  const cancels: number[] = []
  const backend: LockBackend = {
    ...wrapped(inner, {}),
    runtime: time,
    acquire: async (request) => {
      await inner.acquire(request)
      return new Promise(() => undefined)
    },
    cancel: (request) => {
      cancels.push(time.mono)
      return cancels.length > failures ? inner.cancel(request) : Promise.reject(new Error('no'))
    },
  }
  const lock = new Lock('a', { backend, ttl: 600_000, requestTimeout: 500, timeout: 1_000 })
  return { time, lock, cancels }
}

test('what an acquire without an answer may have got is taken back, however often that fails within 30 s', async () => {
  const { time, lock, cancels } = stage(40)
  const acquiring = lock.acquire()
  acquiring.catch(() => undefined)
  await time.advance(500)
  await expect(acquiring).rejects.toThrow('no answer')
  await time.advance(30_000)
  expect(cancels.length).toBe(41)
  expect(await lock.locked()).toBe(false)
})

test('a wall clock that is set forward does not end the taking back', async () => {
  const { time, lock, cancels } = stage(2)
  const acquiring = lock.acquire()
  acquiring.catch(() => undefined)
  await time.advance(500)
  await expect(acquiring).rejects.toThrow('no answer')
  time.stepWall(3_600_000)
  await time.advance(1_000)
  expect(cancels.length).toBe(3)
  expect(await lock.locked()).toBe(false)
})
