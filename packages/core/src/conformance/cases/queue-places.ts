import assert from 'node:assert/strict'
import type { Lock } from '../../index.ts'
import { assertHeld, busy, granted } from '../expect.ts'
import type { Stage } from '../stage.ts'
import { type CaseDefinition, queue } from '../theme.ts'
import { eventually, later, sleep } from '../time.ts'

export const waiters = (t: Stage, lock: Lock, count: number): Promise<true> =>
  eventually(`${count} wait`, t.patience, async () => (await lock.inspect()).waiters === count)

/** What keeps a place in the queue, and what becomes of the places of those who died. */
export const queuePlaces: readonly CaseDefinition[] = [
  {
    title: 'a dead waiter is skipped',
    needs: [queue],
    async body(t) {
      const holder = await t.lock()
      const lease = await holder.acquire()
      const dead = await t.contender()
      busy(await dead.enqueue())
      const waiting = later((await t.lock()).acquire({ timeout: 10_000 + t.patience }))
      await waiters(t, holder, 2)
      await lease.release()
      assertHeld(await waiting)
    },
  },
  {
    title: 'a waiter that does not call again is no longer counted, while one that does keeps its place',
    needs: [queue],
    async body(t) {
      const holder = await t.contender()
      // How long a silent waiter stays may depend on the ttl that it wants.
      const [dead, first, second] = await t.contenders(3, { ttl: t.steady })
      assert.ok(dead && first && second)
      granted(await holder.acquire())
      busy(await dead.enqueue())
      busy(await first.enqueue())
      await sleep(2 * t.brief)
      const lock = await t.lock()
      const call = async (): Promise<void> => {
        for (const waiter of [second, first]) busy(await waiter.enqueue())
      }
      await eventually('the dead one is no longer counted', 12_000 + t.patience, async () => {
        await call()
        return (await lock.inspect()).waiters === 2
      })
      await sleep(t.brief)
      await call()
      assert.equal(await holder.release(), true)
      await eventually('the first is granted', t.patience, async () => {
        busy(await second.enqueue())
        return (await first.enqueue()).outcome === 'granted'
      })
    },
  },
  {
    title: 'a waiter that looks again no earlier than it was told to has kept its place',
    needs: [queue],
    async body(t) {
      const [holder, waiter] = [await t.contender(), await t.contender({ ttl: t.steady })]
      granted(await holder.acquire())
      const lock = await t.lock()
      for (let look = 0; look < 2; look += 1) {
        const { retryAfter } = busy(await waiter.enqueue())
        await sleep(retryAfter)
        assert.equal((await lock.inspect()).waiters, 1, `its place is gone after the ${retryAfter} ms that it was told`)
      }
    },
  },
  {
    title: 'a waiter that looks again keeps its place',
    needs: [queue],
    async body(t) {
      const [holder, first, second] = await t.contenders(3)
      assert.ok(holder && first && second)
      granted(await holder.acquire())
      busy(await first.enqueue())
      busy(await second.enqueue())
      busy(await first.enqueue())
      assert.equal((await (await t.lock()).inspect()).waiters, 2)
      assert.equal(await holder.release(), true)
      await eventually('the first is granted', t.patience, async () => {
        busy(await second.enqueue())
        return (await first.enqueue()).outcome === 'granted'
      })
      assert.equal(await first.release(), true)
      await eventually('the second is granted', t.patience, async () => (await second.enqueue()).outcome === 'granted')
    },
  },
]
