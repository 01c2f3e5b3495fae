import assert from 'node:assert/strict'
import { type Lease, Lock, LockLostError, systemRuntime } from '../../index.ts'
import { assertHeld, busy, granted, wrapped } from '../expect.ts'
import type { Stage } from '../stage.ts'
import { fault, push, queue, sharedClock, type Theme, theme } from '../theme.ts'
import { block, eventually, later, now, sleep } from '../time.ts'

/** The lease is over, by everything it says about itself. */
function assertLost(lease: Lease): void {
  assert.equal(lease.held, false)
  assert.equal(lease.remaining, 0)
  assert.throws(() => lease.assertHeld(), LockLostError)
  assert.equal(lease.signal.aborted, true)
  assert.ok(lease.signal.reason instanceof LockLostError, 'the signal is aborted with a LockLostError')
}

/** Tells whether the signal had been aborted, without asking the lease anything that could make it look. */
function abortion(lease: Lease): { aborted: boolean } {
  const seen = { aborted: false }
  lease.signal.addEventListener('abort', () => {
    seen.aborted = true
  })
  return seen
}

/** A waiter gets in while the holder can't renew: by then the holder must know that it has lost. */
async function overtaken(t: Stage, holder: Lease, next: Lock): Promise<void> {
  const seen = abortion(holder)
  const lease = await next.acquire({ timeout: t.expiry() + t.ttl })
  assert.equal(seen.aborted, true, 'another holds and the signal is not aborted')
  assertLost(holder)
  assertHeld(lease)
}

export const localDeadline: Theme = theme('local deadline', [
  {
    title: 'held is false and the signal aborted before a waiter can get in',
    async body(t) {
      const [first, second] = await t.pair({ ttl: t.ttl })
      await overtaken(t, await first.acquire({ autoRenew: false }), second)
    },
  },
  {
    title: 'a lease ends by itself though nobody asks and nobody else wants the lock',
    async body(t) {
      const lock = await t.lock({ ttl: t.ttl, autoRenew: false })
      const sent = now()
      const lease = await lock.acquire()
      const seen = abortion(lease)
      await eventually('the signal is aborted', t.ttl + t.slack, () => seen.aborted)
      assert.ok(now() - sent > t.worth(t.ttl) / 2, `it was aborted after ${now() - sent} ms`)
      assertLost(lease)
    },
  },
  {
    title: 'the remaining time falls until it is 0 and the lease is lost',
    async body(t) {
      const lease = await (await t.lock({ ttl: t.ttl, autoRenew: false })).acquire()
      for (let last = lease.remaining; lease.held; await sleep(t.ttl / 20)) {
        const { remaining } = lease
        assert.ok(remaining >= 0 && remaining <= last, `${last} ms remained, then ${remaining}`)
        last = remaining
      }
      assertLost(lease)
    },
  },
  {
    title: 'a grant counts from the moment before its request, not from the answer',
    needs: [fault('delayRequests', 'resume')],
    async body(t) {
      const delay = 200
      const lock = await t.lock({ autoRenew: false })
      await (await lock.acquire()).release()
      await t.trouble('delayRequests', delay, delay)
      const lease = await lock.acquire()
      assert.ok(lease.remaining <= t.worth(t.long) - delay, `${lease.remaining} ms remain, ${delay} ms after the send`)
    },
  },
  {
    title: 'a grant that is pushed counts from the grant, not from its arrival',
    needs: [push, queue, sharedClock],
    async body(t) {
      const [one, other] = [await t.client(), await t.client()]
      const tolerance = t.capabilities.ttl.granularity + 1
      for (let round = 0; round < 24; round += 1) {
        const [holder, waiter] = [await t.contender({}, one), await t.contender({}, other)]
        granted(await holder.acquire())
        busy(await waiter.enqueue())
        assert.equal(await holder.release(), true)
        // What has been pushed but not looked at is late now.
        block(t.brief / 5)
        await eventually('the waiter is woken', t.patience, () => waiter.wakes.length > 0)
        const { since, ttl } = waiter.wakes.find((grant) => grant !== undefined) ?? {}
        if (since !== undefined && ttl !== undefined) {
          const [hold] = (await one.inspect({ key: t.key, timeout: t.patience })).holders
          const late = since.mono + ttl - (now() + (hold?.remaining ?? 0))
          assert.ok(late <= tolerance, `the grant seems to last ${late} ms longer than the hold`)
        }
        await waiter.cancel()
      }
    },
  },
  {
    title: 'a grant whose time is over when it arrives is not handed out, and not taken for a busy lock either',
    needs: [fault('delayRequests', 'resume')],
    async body(t) {
      const options = t.options(await t.client(), { ttl: t.ttl, requestTimeout: t.long })
      const [once, patiently] = [new Lock(t.name, options), new Lock(`${t.name}/b`, options)]
      for (const lock of [once, patiently]) await (await lock.acquire()).release()
      await t.trouble('delayRequests', 1.5 * t.ttl, 1.5 * t.ttl)
      const attempt = later(once.tryAcquire().catch((error: { code?: unknown }) => error.code))
      const waiting = later(patiently.acquire())
      await sleep(2 * t.ttl)
      await t.trouble('resume')
      const outcome = await attempt
      assert.notEqual(outcome, null, 'nobody holds the lock')
      assert.ok(outcome === 'LOCK_BACKEND' || (outcome as Lease).held, 'a lease was handed out when it was over')
      assertHeld(await waiting)
    },
  },
  {
    title: 'after a blocked event loop held is right at once',
    async body(t) {
      const lock = await t.lock({ ttl: t.ttl })
      const lease = await lock.acquire()
      block(t.ttl + 10)
      assert.equal(lease.held, false)
      assertLost(lease)
    },
  },
  {
    title: 'after a suspension of the machine, which only the wall clock shows, held is right at once',
    async body(t) {
      let asleep = 0
      const runtime = {
        ...systemRuntime,
        now: () => ({ mono: performance.now(), wall: Date.now() + asleep }),
      }
      const backend = wrapped(await t.client(), { runtime })
      const lease = await new Lock(t.name, t.options(backend)).acquire()
      asleep = t.long / 2
      assertHeld(lease)
      asleep = t.long + 1
      assertLost(lease)
      asleep = 0
      assertLost(lease)
    },
  },
  {
    title: 'lost stays lost, whatever the backend would say',
    async body(t) {
      const lock = await t.lock({ ttl: t.ttl })
      const lease = await lock.acquire()
      block(t.ttl + 10)
      assertLost(lease)
      await sleep(t.slack)
      await assert.rejects(lease.renew(), LockLostError)
      assertLost(lease)
      assert.equal(await lease.release(), false)
    },
  },
  {
    title: 'a lease ends in time though the backend hangs and a renewal is under way',
    needs: [fault('pause', 'resume')],
    async body(t) {
      const lock = await t.lock({ ttl: t.ttl, requestTimeout: 20 * t.ttl })
      const lease = await lock.acquire()
      const seen = abortion(lease)
      await t.trouble('pause')
      const paused = now()
      await eventually('the signal is aborted', t.ttl + t.slack, () => seen.aborted)
      assert.ok(now() - paused > t.ttl / 3, `it was aborted after ${now() - paused} ms`)
      assertLost(lease)
    },
  },
  {
    title: 'a client that is cut off has lost its lease before another gets it',
    needs: [fault('isolate', 'resume')],
    async body(t) {
      const backend = await t.client()
      const holder = await new Lock(t.name, t.options(backend, { ttl: t.ttl })).acquire()
      const next = await t.lock({ ttl: t.ttl })
      await holder.renew()
      await t.trouble('isolate', backend)
      await overtaken(t, holder, next)
    },
  },
])
