import assert from 'node:assert/strict'
import type { Lock } from '../../index.ts'
import { assertHeld, busy, granted, refused } from '../expect.ts'
import type { Stage } from '../stage.ts'
import { not, push, queue, type Theme, theme } from '../theme.ts'
import { eventually, later, now, sleep, stepped } from '../time.ts'
import { queuePlaces, waiters } from './queue-places.ts'

/** The order in which locks that were asked for one after the other are granted. */
async function orderOf(t: Stage, locks: readonly Lock[]): Promise<number[]> {
  const holder = await t.lock()
  const lease = await holder.acquire()
  const order: number[] = []
  const waiting: Promise<void>[] = []
  for (const [index, lock] of locks.entries()) {
    const work = lock.using(async () => {
      order.push(index)
      await sleep(1)
    })
    waiting.push(later(work))
    await waiters(t, holder, index + 1)
  }
  await lease.release()
  await Promise.all(waiting)
  return order
}

export const fairness: Theme = theme('fairness', [
  {
    title: 'waiters of different clients are served in the order of their arrival',
    needs: [queue],
    async body(t) {
      assert.deepEqual(await orderOf(t, await t.locks(6)), [0, 1, 2, 3, 4, 5])
    },
  },
  {
    title: "with fair: 'strict', tasks of several clients are served in the order of their arrival",
    needs: [queue],
    async body(t) {
      const [first, second] = await t.pair({ fair: 'strict' })
      const order = await orderOf(t, [first, second, first, first, second, first, second])
      assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6])
    },
  },
  {
    title: 'a client with many eager tasks lets a waiter of another client in soon',
    needs: [queue],
    async body(t) {
      const [greedy, modest] = await t.pair()
      let over = false
      let grants = 0
      const task = async (): Promise<void> => {
        while (!over)
          await greedy.using(async () => {
            grants += 1
            await sleep(1)
          })
      }
      const tasks = Array.from({ length: 8 }, () => later(task()))
      await sleep(50)
      const before = grants
      const started = now()
      const lease = await modest.acquire()
      const [bypass, took] = [grants - before, now() - started]
      over = true
      await lease.release()
      await Promise.all(tasks)
      assert.ok(bypass <= 200, `it was bypassed ${bypass} times`)
      assert.ok(took <= t.patience, `it waited ${took} ms`)
    },
  },
  {
    title: 'a client with many tasks that take their time lets a waiter of another client in after a few of them',
    needs: [queue],
    async body(t) {
      const [greedy, modest] = await t.pair()
      const duration = t.brief / 5
      let grants = 0
      const task = () =>
        greedy.using(async () => {
          grants += 1
          await sleep(duration)
        })
      const tasks = Array.from({ length: 20 }, () => later(task()))
      await sleep(1.5 * duration)
      const before = grants
      const lease = await modest.acquire()
      const bypass = grants - before
      await lease.release()
      await Promise.all(tasks)
      assert.ok(bypass <= 8, `it was bypassed ${bypass} times`)
    },
  },
  ...queuePlaces,
  {
    title: 'waiters whose wall clocks differ are served in the order of their arrival',
    needs: [queue],
    async body(t) {
      const [holder, first, second] = await t.contenders(3)
      assert.ok(holder && first && second)
      granted(await holder.acquire())
      await stepped(t.patience, async () => busy(await first.enqueue()))
      busy(await second.enqueue())
      assert.equal(await holder.release(), true)
      await eventually('the first is granted', t.patience, async () => {
        busy(await second.enqueue())
        return (await first.enqueue()).outcome === 'granted'
      })
    },
  },
  {
    title: 'tryAcquire does not overtake a waiter',
    needs: [queue],
    async body(t) {
      const [holder, waiter] = await t.contenders(2)
      assert.ok(holder && waiter)
      granted(await holder.acquire())
      busy(await waiter.enqueue())
      assert.equal(await holder.release(), true)
      assert.equal(await (await t.lock()).tryAcquire(), null)
      await eventually('the waiter is granted', t.patience, async () => (await waiter.enqueue()).outcome === 'granted')
    },
  },
  {
    title: 'a release wakes the waiter at once, without waiting for its next look',
    needs: [push],
    async body(t) {
      const [first, second] = await t.pair({ retryInterval: 60_000 })
      let best = Number.POSITIVE_INFINITY
      for (let round = 0; round < 4; round += 1) {
        const lease = await first.acquire()
        const waiting = later(second.acquire({ timeout: t.patience }))
        await sleep(t.brief / 4)
        const released = now()
        await lease.release()
        const next = await waiting
        best = Math.min(best, now() - released)
        await next.release()
      }
      assert.ok(best < t.slack, `at best it took ${best} ms`)
    },
  },
  {
    title: 'a waiter is woken after a release: with a grant, or to look again',
    needs: [push],
    async body(t) {
      const [holder, waiter] = await t.contenders(2)
      assert.ok(holder && waiter)
      granted(await holder.acquire())
      busy(
        await waiter.enqueue({
          wait: {
            queue: t.capabilities.queue === 'fifo',
            retryInterval: undefined,
            wake: (grant) => waiter.wakes.push(grant),
          },
        }),
      )
      assert.equal(await holder.release(), true)
      await eventually('it is woken', t.patience, () => waiter.wakes.length > 0)
      const pushed = waiter.wakes.find((grant) => grant !== undefined)
      const { fencingToken } = granted(await waiter.acquire())
      if (pushed !== undefined) assert.equal(fencingToken, pushed.fencingToken)
    },
  },
  {
    title: 'with fair: false a wait takes no place in the queue, and still comes to an end',
    async body(t) {
      const [first, second] = await t.pair({ fair: false, retryInterval: t.pause })
      const lease = await first.acquire()
      const waiting = later(second.acquire())
      await sleep(4 * t.pause)
      const observer = await t.lock()
      assert.equal((await observer.inspect()).waiters, 0)
      await lease.release()
      assertHeld(await waiting)
    },
  },
  {
    title: 'where the backend has no queue, asking for fairness is LOCK_UNSUPPORTED, and nobody is counted as waiting',
    needs: [not(queue)],
    async body(t) {
      const [first, second] = await t.pair()
      await refused(first.acquire({ fair: true }), 'LOCK_UNSUPPORTED')
      await refused(first.acquire({ fair: 'strict' }), 'LOCK_UNSUPPORTED')
      const lease = await first.acquire()
      const waiting = later(second.acquire())
      await sleep(4 * t.pause)
      assert.equal((await (await t.lock()).inspect()).waiters, 0)
      await lease.release()
      assertHeld(await waiting)
    },
  },
])
