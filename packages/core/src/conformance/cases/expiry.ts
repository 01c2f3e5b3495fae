import assert from 'node:assert/strict'
import { assertHeld, busy, granted } from '../expect.ts'
import { declared, type Need, sharedClock, type Theme, theme } from '../theme.ts'
import { eventually, later, now, sleep, stepped } from '../time.ts'

/** What the clock of a contender shows decides nothing: there is another one, or a step of it is provided for. */
const ownClockAside: Need = declared('independence of the wall clock', ({ capabilities: { guarantee } }) => {
  return guarantee.scope === 'network' || guarantee.exclusionAcross.clockStep !== false
})

export const expiry: Theme = theme('expiry', [
  {
    title: 'a holder that does not renew is replaced by a waiter, not before its ttl is over',
    async body(t) {
      const [first, second] = await t.pair()
      const sent = now()
      const lapsing = await first.acquire({ ttl: t.ttl, autoRenew: false })
      const lease = await second.acquire({ timeout: t.expiry() })
      assert.equal(lapsing.held, false)
      assertHeld(lease)
      assert.ok(now() - sent >= t.ttl * 0.98, `it was replaced after ${now() - sent} ms, with a ttl of ${t.ttl}`)
    },
  },
  {
    title: 'a holder that does not renew is replaced by a later tryAcquire, not before its ttl is over',
    async body(t) {
      const [first, second] = await t.contenders(2)
      assert.ok(first && second)
      const sent = now()
      granted(await first.acquire({ ttl: t.ttl }))
      const grant = await second.insist(t.expiry(), t.pause)
      const took = now() - sent
      assert.ok(grant, `it is not replaced within ${t.expiry()} ms`)
      assert.ok(
        took >= t.ttl - t.capabilities.ttl.granularity,
        `it was replaced after ${took} ms, with a ttl of ${t.ttl}`,
      )
    },
  },
  {
    title: 'a hold whose ttl is no whole number of seconds lasts as long as that says',
    async body(t) {
      const [first, second] = await t.contenders(2)
      assert.ok(first && second)
      const ttl = Math.min(t.capabilities.ttl.max, t.ttl + 937)
      const sent = now()
      granted(await first.acquire({ ttl }))
      const grant = await second.insist(t.expiry(ttl), t.pause)
      const took = now() - sent
      assert.ok(grant, `it is not replaced within ${t.expiry(ttl)} ms`)
      assert.ok(took >= ttl - t.capabilities.ttl.granularity, `it was replaced after ${took} ms, with a ttl of ${ttl}`)
    },
  },
  {
    title: 'one single tryAcquire takes over from a holder that died some time ago',
    needs: [sharedClock],
    async body(t) {
      const dead = await t.contender()
      granted(await dead.acquire({ ttl: t.ttl }))
      const lock = await t.lock()
      await sleep(2 * t.ttl + t.slack)
      assertHeld(await lock.tryAcquire())
    },
  },
  {
    title: 'a hold that ran out is no longer shown',
    async body(t) {
      const [dead, lock] = [await t.contender(), await t.lock()]
      granted(await dead.acquire({ ttl: t.ttl }))
      assert.equal(await lock.locked(), true)
      await eventually('locked() is false', t.expiry(), async () => !(await lock.locked()))
      assert.deepEqual((await lock.inspect()).holders, [])
    },
  },
  {
    title: 'looking at a lock does not lengthen its hold',
    async body(t) {
      const [dead, next] = await t.contenders(2)
      assert.ok(dead && next)
      const lock = await t.lock()
      granted(await dead.acquire({ ttl: t.ttl }))
      let watching = true
      const watch = async (): Promise<void> => {
        for (; watching; await sleep(t.pause)) await lock.inspect()
      }
      const watched = later(watch())
      const grant = await next.insist(t.expiry(), t.pause)
      watching = false
      await watched
      assert.ok(grant, `it is not replaced within ${t.expiry()} ms`)
    },
  },
  {
    title: 'however the wall clock of a contender is set, a hold ends with its ttl',
    needs: [ownClockAside],
    async body(t) {
      const [first, second, third] = await t.contenders(3)
      assert.ok(first && second && third)
      const step = 2 * t.patience
      granted(await first.acquire({ ttl: t.patience }))
      await stepped(step, async () => busy(await third.acquire()))
      assert.equal(await first.release(), true)
      granted(await second.acquire({ ttl: t.ttl }))
      const grant = await stepped(-step, () => third.insist(t.expiry(), t.pause))
      assert.ok(grant, `it is not replaced within ${t.expiry()} ms`)
    },
  },
  {
    title: 'who gets the lock by a release comes to its whole ttl, whatever it was granted at first',
    async body(t) {
      const [first, second] = await t.pair()
      const lease = await first.acquire()
      const waiting = later(second.acquire())
      await sleep(t.brief)
      await lease.release()
      const next = await waiting
      await eventually('its whole ttl', t.patience, () => next.remaining > t.long / 2)
      const [holder] = (await first.inspect()).holders
      assert.ok(holder && holder.remaining > t.long / 2, `${holder?.remaining} ms remain of ${t.long}`)
    },
  },
  {
    title: 'who waited longer than its own ttl still holds for as long as it wants',
    async body(t) {
      const [first, second] = await t.pair()
      const lease = await first.acquire()
      const waiting = later(second.acquire({ ttl: t.steady }))
      await sleep(1.3 * t.steady)
      await lease.release()
      const next = await waiting
      await sleep(1.3 * t.steady)
      assertHeld(next)
      assert.equal(await first.tryAcquire(), null)
      assert.equal(await next.release(), true)
    },
  },
])
