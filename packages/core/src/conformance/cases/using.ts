import assert from 'node:assert/strict'
import { LockLostError } from '../../index.ts'
import { assertHeld, rejection } from '../expect.ts'
import { fault, type Theme, theme } from '../theme.ts'
import { sleep } from '../time.ts'

export const using: Theme = theme('using', [
  {
    title: "the lock is held while the body runs, free afterwards, and the body's result comes back",
    async body(t) {
      const [first, second] = await t.pair()
      const result = await first.using(async (lease) => {
        assertHeld(lease)
        assert.equal(await second.tryAcquire(), null)
        return 'done'
      })
      assert.equal(result, 'done')
      assert.ok(await second.tryAcquire({ timeout: t.patience }))
    },
  },
  {
    title: 'the lock is free after a body that failed, and its error comes through',
    async body(t) {
      const [first, second] = await t.pair()
      const wrong = new Error('the body failed')
      const failing = first.using(() => {
        throw wrong
      })
      assert.equal(await rejection(failing), wrong)
      assert.ok(await second.tryAcquire({ timeout: t.patience }))
    },
  },
  {
    title: "the body's error wins over a release that fails",
    needs: [fault('pause', 'resume')],
    async body(t) {
      const lock = await t.lock({ requestTimeout: t.vain })
      const wrong = new Error('the body failed')
      const failing = lock.using(async () => {
        await t.trouble('pause')
        throw wrong
      })
      assert.equal(await rejection(failing), wrong)
    },
  },
  {
    title: "a release that fails rejects with LOCK_BACKEND and carries the body's result",
    needs: [fault('pause', 'resume')],
    async body(t) {
      const lock = await t.lock({ requestTimeout: t.vain })
      const error = await rejection(
        lock.using(async () => {
          await t.trouble('pause')
          return 'done'
        }),
      )
      assert.equal((error as { code?: unknown }).code, 'LOCK_BACKEND')
      assert.equal((error as { value?: unknown }).value, 'done')
    },
  },
  {
    title: "a lease lost meanwhile rejects with LOCK_LOST once the body has settled, and carries the body's result",
    async body(t) {
      const [first, second] = await t.pair({ ttl: t.ttl })
      let settled = false
      const error = await rejection(
        first.using(
          async (lease) => {
            const next = await second.acquire({ timeout: t.expiry() })
            assert.equal(lease.held, false)
            await next.release()
            await sleep(10)
            settled = true
            return 'done'
          },
          { autoRenew: false },
        ),
      )
      assert.equal(settled, true)
      assert.ok(error instanceof LockLostError, `got ${String(error)}`)
      assert.equal(error.value, 'done')
    },
  },
  {
    title: 'await using releases at the end of the block',
    async body(t) {
      const [first, second] = await t.pair()
      const lease = await first.acquire()
      await lease[Symbol.asyncDispose]()
      assert.equal(lease.held, false)
      assert.ok(await second.tryAcquire({ timeout: t.patience }))
    },
  },
])
