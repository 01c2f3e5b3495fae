import assert from 'node:assert/strict'
import type { Lock } from '../../index.ts'
import { assertHeld } from '../expect.ts'
import type { ConformanceProcess } from '../processes/process.ts'
import type { Stage } from '../stage.ts'
import { queue, type Theme, theme } from '../theme.ts'
import { eventually, later, sleep, within } from '../time.ts'
import { contests, DEAD_WAITER, several, signals } from './contests.ts'

/** How many wait in the backend's queue. */
const waiters = (t: Stage, lock: Lock, count: number): Promise<unknown> =>
  eventually(`${count} wait`, t.patience, async () => (await lock.inspect()).waiters === count)

/** It ends by itself, and well. */
async function assertEnds(t: Stage, one: ConformanceProcess, keeping: readonly string[]): Promise<void> {
  const hint = keeping.length === 0 ? '' : `; what was open at last: ${[...new Set(keeping)].join(', ')}`
  const { code, signal } = await within(t.patience, `the process ends by itself${hint}`, one.ended)
  assert.deepEqual({ code, signal }, { code: 0, signal: null })
}

export const processes: Theme = theme('processes', [
  {
    title: 'a lock that is held here is held for another process, and the reverse',
    needs: several,
    async body(t) {
      const [here, other] = [await t.lock(), await t.process()]
      const lease = await here.acquire()
      const advice = "does the target's connect() lead to the same storage in each process that imports its module?"
      assert.equal(
        await other.locked(t.usage()),
        true,
        `a process of its own does not see the hold of this one: ${advice}`,
      )
      await lease.release()
      const token = await other.acquire(t.usage())
      assert.ok(token > lease.fencingToken, `fencing token ${token} was granted after ${lease.fencingToken}`)
      assert.equal(await here.tryAcquire(), null)
      assert.equal(await other.release(), true)
    },
  },
  ...contests,
  {
    title: 'a holder that was stopped for longer than its ttl finds its lease lost, and leaves its successor alone',
    needs: [...several, signals],
    async body(t) {
      const [here, other] = [await t.lock(), await t.process()]
      await other.acquire(t.usage({ ttl: t.ttl }))
      other.stop()
      const lease = await here.acquire({ timeout: t.expiry() })
      // Asked while it stands still: to answer is the first that it does.
      const sight = later(other.held())
      other.go()
      assert.equal(await sight, false)
      assert.equal(await other.release(), false)
      await sleep(t.brief)
      await lease.renew()
      assert.equal(await lease.release(), true)
    },
  },
  {
    title: 'a holder whose process was killed is replaced by who waits, as soon as is declared',
    needs: [...several, signals],
    async body(t) {
      const [here, other] = [await t.lock(), await t.process()]
      const atOnce = t.capabilities.guarantee.deadHolder === 'at once'
      await other.acquire(t.usage({ ttl: atOnce ? t.long : t.ttl }))
      const waiting = later(here.acquire())
      await sleep(t.brief)
      await other.kill()
      const lease = await within(atOnce ? t.patience : t.expiry(), 'the lock is had again', waiting)
      assertHeld(lease)
    },
  },
  {
    title: 'waiters of different processes are served in the order of their arrival',
    needs: [...several, queue],
    async body(t) {
      const here = await t.lock()
      const lease = await here.acquire()
      const others = await t.processes(3)
      const turns = []
      for (const [index, other] of others.entries()) {
        turns.push(later(other.acquire(t.usage()).then(() => other.release())))
        await waiters(t, here, index + 1)
      }
      await lease.release()
      await Promise.all(turns)
      const served = t.history.holdings.toSorted((a, b) => a.from - b.from).map(({ who }) => who)
      assert.deepEqual(
        served,
        others.map(({ who }) => who),
      )
    },
  },
  {
    title: 'a waiter whose process was killed is skipped',
    needs: [...several, signals, queue],
    async body(t) {
      const here = await t.lock()
      const lease = await here.acquire()
      const [dead, next] = [await t.process(), await t.process()]
      void later(dead.acquire(t.usage({ ttl: t.ttl })))
      await waiters(t, here, 1)
      const waiting = later(next.acquire(t.usage()))
      await eventually('both wait, or the dead is gone', t.patience, async () => (await here.inspect()).waiters >= 2)
      await dead.kill()
      await lease.release()
      await within(DEAD_WAITER + t.patience, 'the next one is served', waiting)
    },
  },
  {
    title: 'a lease detached in one process goes on in another, and nobody gets in between',
    needs: several,
    async body(t) {
      // Started before the detached lease's time runs.
      const ttl = 2 * t.steady
      const [here, [other, next]] = [await t.lock({ ttl }), await t.processes(2)]
      assert.ok(other && next)
      const token = await other.acquire(t.usage({ ttl }))
      const rival = later(here.acquire())
      const json = await other.detach()
      assert.equal(await next.attach(json), token)
      await assert.rejects(other.attach(json), { code: 'LOCK_LOST' })
      await sleep(ttl)
      assert.equal(await next.held(), true)
      assert.equal(await next.release(), true)
      assert.ok((await rival).fencingToken > token)
    },
  },
  {
    title: 'a process ends by itself after release and close',
    needs: several,
    async body(t) {
      const other = await t.process()
      await other.acquire(t.usage())
      await other.release()
      await other.close()
      await assertEnds(t, other, await other.leave())
    },
  },
  {
    title: 'a held lease does not keep its process up',
    needs: several,
    async body(t) {
      const other = await t.process()
      await other.acquire(t.usage({ ttl: t.steady }))
      await sleep(t.steady)
      await assertEnds(t, other, await other.leave())
    },
  },
  {
    title: 'a pending acquire keeps its process up until it is granted',
    needs: several,
    async body(t) {
      const [here, other] = [await t.lock(), await t.process()]
      const lease = await here.acquire()
      void later(other.acquire(t.usage()))
      await sleep(t.brief)
      const keeping = await other.leave()
      await sleep(t.brief)
      await lease.release()
      await assertEnds(t, other, keeping)
      assert.equal(t.history.holdings.length, 1, 'the process ended without having got the lock')
    },
  },
])
