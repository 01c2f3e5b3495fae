import assert from 'node:assert/strict'
import { assertHeld, busy, granted, refused } from '../expect.ts'
import { type Theme, theme } from '../theme.ts'
import { eventually, later } from '../time.ts'

export const ownership: Theme = theme('ownership', [
  {
    title: "a lapsed owner cannot release or renew its successor's lock",
    async body(t) {
      const [first, second] = await t.contenders(2)
      assert.ok(first && second)
      granted(await first.acquire({ ttl: t.ttl }))
      const grant = await second.insist(t.expiry(), t.pause)
      assert.ok(grant, 'the successor gets the lock after the expiry')
      assert.deepEqual(await first.renew(), { outcome: 'lost' })
      assert.equal(await first.release(), false)
      await first.cancel()
      const { holders } = await (await t.lock()).inspect()
      assert.deepEqual(
        holders.map(({ owner, fencingToken }) => ({ owner, fencingToken })),
        [{ owner: second.owner, fencingToken: grant.fencingToken }],
      )
      assert.equal((await second.renew()).outcome, 'renewed')
      assert.equal(await second.release(), true)
    },
  },
  {
    title: 'a lapsed lease answers false to release and leaves its successor alone',
    async body(t) {
      const [first, second] = await t.pair()
      const lapsed = await first.acquire({ ttl: t.ttl, autoRenew: false })
      const lease = await second.acquire({ timeout: t.expiry() })
      await refused(lapsed.renew(), 'LOCK_LOST')
      assert.equal(await lapsed.release(), false)
      assert.equal(await first.tryAcquire(), null)
      await lease.renew()
      assert.equal(await lease.release(), true)
    },
  },
  {
    title: 'a forged token can neither release nor renew',
    async body(t) {
      const [holder, forger, other] = await t.contenders(3)
      assert.ok(holder && forger && other)
      granted(await holder.acquire())
      assert.equal(await forger.release(), false)
      assert.deepEqual(await forger.renew(), { outcome: 'lost' })
      await forger.cancel()
      busy(await other.acquire())
      assert.equal((await holder.renew()).outcome, 'renewed')
    },
  },
  {
    title: 'the public owner id gives no power over the lock',
    async body(t) {
      const holder = await t.contender()
      granted(await holder.acquire())
      const { backend, owner } = holder
      const asOwner = { key: t.key, token: owner, mode: 'exclusive', timeout: t.patience } as const
      assert.equal(await backend.release(asOwner), false)
      const renewal = await backend.renew({ ...asOwner, ttl: t.long, standalone: true, rotateTo: undefined })
      assert.deepEqual(renewal, { outcome: 'lost' })
      assert.equal((await holder.renew()).outcome, 'renewed')
    },
  },
  {
    title: 'tokens that differ in one character, or in case only, are different owners',
    async body(t) {
      const holder = await t.contender()
      granted(await holder.acquire())
      const { backend, token } = holder
      const last = token.endsWith('A') ? 'Q' : 'A'
      const swapped = token.replace(/[a-z]/i, (letter) =>
        letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
      )
      for (const other of [token.slice(0, -1) + last, swapped]) {
        const stranger = { key: t.key, token: other, mode: 'exclusive', timeout: t.patience } as const
        assert.equal(await backend.release(stranger), false, `${other} released the hold of ${token}`)
        const renewal = await backend.renew({ ...stranger, ttl: t.long, standalone: true, rotateTo: undefined })
        assert.deepEqual(renewal, { outcome: 'lost' }, `${other} renewed the hold of ${token}`)
      }
      assert.equal((await holder.renew()).outcome, 'renewed')
    },
  },
  {
    title: 'a hold is released once: the second release finds nothing',
    async body(t) {
      const holder = await t.contender()
      granted(await holder.acquire())
      assert.equal(await holder.release(), true)
      assert.equal(await holder.release(), false)
      assert.deepEqual(await holder.renew(), { outcome: 'lost' })
    },
  },
  {
    title: 'a lease repeats its first answer to release, and is not held any more',
    async body(t) {
      const lock = await t.lock()
      const lease = await lock.acquire()
      assert.deepEqual(await Promise.all([lease.release(), lease.release()]), [true, true])
      assert.equal(await lease.release(), true)
      assert.equal(lease.held, false)
      assert.throws(() => lease.assertHeld(), { code: 'LOCK_NOT_HELD' })
      await refused(lease.renew(), 'LOCK_NOT_HELD')
    },
  },
  {
    title: 'forceRelease ends the hold of whoever has it; the former holder learns of it',
    async body(t) {
      const [first, second] = await t.pair()
      const broken = await first.acquire()
      assert.equal(await second.forceRelease(), true)
      const lease = await second.acquire({ timeout: t.patience })
      await refused(broken.renew(), 'LOCK_LOST')
      assert.equal(broken.held, false)
      assert.equal((broken.signal.reason as { code?: unknown }).code, 'LOCK_LOST')
      assert.equal(await broken.release(), false)
      assert.equal(await first.tryAcquire(), null)
      await lease.renew()
    },
  },
  {
    title: 'forceRelease is false where nobody holds',
    async body(t) {
      const [first, second] = await t.pair()
      assert.equal(await second.forceRelease(), false)
      await (await first.acquire()).release()
      assert.equal(await second.forceRelease(), false)
      await (await second.acquire()).release()
    },
  },
  {
    title: 'forceRelease lets the next waiter in',
    async body(t) {
      const [first, second] = await t.pair()
      await first.acquire()
      const waiting = later(second.acquire({ timeout: 2 * t.patience }))
      await eventually('it waits', t.patience, async () =>
        t.capabilities.queue === 'none' ? true : (await first.inspect()).waiters === 1,
      )
      assert.equal(await (await t.lock()).forceRelease(), true)
      assertHeld(await waiting)
    },
  },
])
