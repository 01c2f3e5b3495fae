import assert from 'node:assert/strict'
import { Lock } from '../../index.ts'
import { assertHeld, busy, granted, refused, wrapped } from '../expect.ts'
import { fault, infinite, not, sharedClock, type Theme, theme } from '../theme.ts'
import { eventually, now, sleep } from '../time.ts'

export const renewal: Theme = theme('renewal', [
  {
    title: 'automatic renewal keeps a lock for several times its ttl',
    async body(t) {
      const [first, second] = await t.pair({ ttl: t.steady })
      const lease = await first.acquire()
      for (const started = now(); now() - started < 3 * t.steady; ) {
        assert.equal(await second.tryAcquire(), null)
        assertHeld(lease)
        await sleep(t.ttl / 10)
      }
      assert.equal(await lease.release(), true)
    },
  },
  {
    title: 'a renewal lengthens the hold to its ttl from then on',
    async body(t) {
      const [first, second] = await t.contenders(2)
      assert.ok(first && second)
      granted(await first.acquire({ ttl: t.ttl }))
      await sleep(t.ttl / 2)
      const sent = now()
      assert.equal((await first.renew(t.ttl)).outcome, 'renewed')
      const grant = await second.insist(t.expiry(), t.pause)
      const took = now() - sent
      assert.ok(grant, `it is not replaced within ${t.expiry()} ms`)
      assert.ok(
        took >= t.ttl - t.capabilities.ttl.granularity,
        `it was replaced ${took} ms after, with a ttl of ${t.ttl}`,
      )
    },
  },
  {
    title: 'a renewal whose ttl is no whole number of seconds lasts as long as that says',
    async body(t) {
      const [first, second] = await t.contenders(2)
      assert.ok(first && second)
      const ttl = Math.min(t.capabilities.ttl.max, t.ttl + 937)
      granted(await first.acquire({ ttl: t.ttl }))
      const sent = now()
      assert.equal((await first.renew(ttl)).outcome, 'renewed')
      const grant = await second.insist(t.expiry(ttl), t.pause)
      const took = now() - sent
      assert.ok(grant, `it is not replaced within ${t.expiry(ttl)} ms`)
      assert.ok(took >= ttl - t.capabilities.ttl.granularity, `it was replaced after ${took} ms, with a ttl of ${ttl}`)
    },
  },
  {
    title: 'a renewal never shortens the hold',
    async body(t) {
      const [first, second] = await t.contenders(2)
      assert.ok(first && second)
      granted(await first.acquire({ ttl: t.long }))
      assert.equal((await first.renew(t.ttl)).outcome, 'renewed')
      for (const started = now(); now() - started < 2.5 * t.ttl; await sleep(t.ttl / 4)) busy(await second.acquire())
      assert.equal(await first.release(), true)
    },
  },
  {
    title: 'a lease keeps its deadline when it is renewed with a shorter ttl',
    async body(t) {
      const lease = await (await t.lock({ autoRenew: false })).acquire()
      const before = lease.remaining
      await lease.renew(t.ttl)
      assert.ok(lease.remaining > before - t.patience, `${lease.remaining} ms remain of ${before}`)
      assert.equal(await lease.release(), true)
    },
  },
  {
    title: 'a ttl given to renew becomes that of the automatic renewals',
    async body(t) {
      const [first, second] = await t.pair({ ttl: t.ttl })
      const lease = await first.acquire()
      const longer = 3 * t.ttl
      await lease.renew(longer)
      assert.ok(lease.remaining > 1.5 * t.ttl && lease.remaining <= longer, `${lease.remaining} ms remain of ${longer}`)
      // By now it would have fallen below its first ttl, unless the longer one is renewed.
      await sleep(2.5 * t.ttl)
      assert.ok(lease.remaining > t.ttl, `${lease.remaining} ms remain`)
      assert.equal(await second.tryAcquire(), null)
    },
  },
  {
    title: 'a renewal of a hold that ran out is lost, even if nobody has taken the lock',
    needs: [sharedClock],
    async body(t) {
      const contender = await t.contender()
      granted(await contender.acquire({ ttl: t.ttl }))
      await sleep(2 * t.ttl + t.slack)
      assert.deepEqual(await contender.renew(), { outcome: 'lost' })
      assert.equal(await contender.release(), false)
    },
  },
  {
    title: 'a lease that ran out cannot be renewed, even if nobody has taken the lock',
    async body(t) {
      const lease = await (await t.lock({ ttl: t.ttl, autoRenew: false })).acquire()
      await sleep(t.ttl + t.slack)
      await refused(lease.renew(), 'LOCK_LOST')
      assert.equal(lease.held, false)
      assert.equal(await lease.release(), false)
    },
  },
  {
    title: 'a renewal counts from its send, not from its answer',
    needs: [fault('delayRequests', 'resume')],
    async body(t) {
      const delay = 200
      const lock = await t.lock({ autoRenew: false })
      const lease = await lock.acquire()
      await t.trouble('delayRequests', delay, delay)
      await lease.renew()
      assert.ok(lease.remaining <= t.worth(t.long) - delay, `${lease.remaining} ms remain, ${delay} ms after the send`)
    },
  },
  {
    title: 'a renewal that gets no answer leaves the deadline as it was, and is repeated',
    needs: [fault('pause', 'resume')],
    async body(t) {
      const ttl = 1.5 * t.steady
      const [first, second] = await t.pair({ ttl, requestTimeout: ttl / 8 })
      const lease = await first.acquire()
      await lease.renew()
      await t.trouble('pause')
      // The next one is due after a third of the ttl, and given up before half of it.
      await sleep(ttl / 2)
      assertHeld(lease)
      await t.trouble('resume')
      await sleep(ttl)
      assertHeld(lease)
      assert.equal(lease.signal.aborted, false)
      assert.equal(await second.tryAcquire(), null)
    },
  },
  {
    title: 'a holder whose lock was broken learns of it by its next automatic renewal',
    async body(t) {
      const [first, second] = await t.pair({ ttl: t.ttl })
      const lease = await first.acquire()
      const { signal } = lease
      await second.forceRelease()
      await eventually('the signal is aborted', t.ttl + t.slack, () => signal.aborted)
      assert.equal((lease.signal.reason as { code?: unknown }).code, 'LOCK_LOST')
    },
  },
  {
    title: 'renewal ends with maxHold, and the lease runs out for another to take',
    async body(t) {
      const [first, second] = await t.pair({ ttl: t.ttl })
      const sent = now()
      const lease = await first.acquire({ maxHold: 2 * t.ttl })
      const next = await second.acquire({ timeout: 2 * t.ttl + t.expiry() })
      assert.equal(lease.held, false)
      assertHeld(next)
      assert.ok(now() - sent >= 2 * t.ttl, `it held for ${now() - sent} ms only`)
    },
  },
  {
    title: 'a permanent lease has no deadline, and ends when it is released',
    needs: [infinite],
    async body(t) {
      const [first, second] = await t.pair()
      const lease = await first.acquire({ ttl: Number.POSITIVE_INFINITY })
      assert.equal(lease.remaining, Number.POSITIVE_INFINITY)
      const [holder] = (await second.inspect()).holders
      assert.equal(holder?.remaining, Number.POSITIVE_INFINITY)
      assert.equal(await second.tryAcquire(), null)
      assert.equal(await lease.release(), true)
      assert.ok(await second.tryAcquire({ timeout: t.patience }))
    },
  },
  {
    title: 'a permanent lease of which nobody heard is not permanent',
    needs: [infinite, fault('loseReplies', 'resume')],
    async body(t) {
      // A process that dies in this moment takes nothing back.
      const dying = wrapped(await t.client(), { cancel: () => Promise.resolve() })
      const options = t.options(dying, { ttl: Number.POSITIVE_INFINITY, requestTimeout: t.brief })
      await t.trouble('loseReplies')
      await refused(new Lock(t.name, options).tryAcquire(), 'LOCK_BACKEND')
      await t.trouble('resume')
      for (const { remaining } of (await (await t.lock()).inspect()).holders)
        assert.ok(Number.isFinite(remaining), 'the lock is held for ever')
    },
  },
  {
    title: 'renew(Infinity) makes a lease permanent, for good',
    needs: [infinite],
    async body(t) {
      const [first, second] = await t.contenders(2)
      assert.ok(first && second)
      granted(await first.acquire({ ttl: t.ttl }))
      assert.equal((await first.renew(Number.POSITIVE_INFINITY)).outcome, 'renewed')
      assert.equal((await first.renew(t.ttl)).outcome, 'renewed')
      await sleep(2 * t.ttl + t.slack)
      busy(await second.acquire())
      assert.equal(await first.release(), true)
    },
  },
  {
    title: 'a permanent lease is refused with LOCK_UNSUPPORTED where the backend declares so',
    needs: [not(infinite)],
    async body(t) {
      const lock = await t.lock()
      await refused(lock.acquire({ ttl: Number.POSITIVE_INFINITY }), 'LOCK_UNSUPPORTED')
      const lease = await lock.acquire()
      await refused(lease.renew(Number.POSITIVE_INFINITY), 'LOCK_UNSUPPORTED')
      assertHeld(lease)
    },
  },
  {
    title: 'a permanent hold can be broken, and its holder learns of it when it asks',
    needs: [infinite],
    async body(t) {
      const [first, second] = await t.pair({ ttl: Number.POSITIVE_INFINITY })
      const lease = await first.acquire()
      assert.equal(await second.forceRelease(), true)
      const next = await eventually('the lock is free', t.patience, () => second.tryAcquire())
      await refused(lease.renew(), 'LOCK_LOST')
      assertHeld(next)
    },
  },
])
