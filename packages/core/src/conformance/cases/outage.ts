import assert from 'node:assert/strict'
import { createLocks } from '../../index.ts'
import { assertHeld, refused } from '../expect.ts'
import type { Stage } from '../stage.ts'
import { fault, list, type Theme, theme } from '../theme.ts'
import { eventually, later, recovers, timed } from '../time.ts'

/** Says "I couldn't ask", in time. */
async function unanswered(t: Stage, work: () => Promise<unknown>, limit: number = t.brief): Promise<void> {
  const { took } = await timed(() => refused(work(), 'LOCK_BACKEND'))
  assert.ok(took <= limit + t.slack, `it took ${took} ms, with ${limit} ms to answer`)
}

const hung = [fault('pause', 'resume')]

export const outage: Theme = theme('outage', [
  {
    title: 'acquire and tryAcquire reject with LOCK_BACKEND within requestTimeout while the backend hangs',
    needs: hung,
    async body(t) {
      const requestTimeout = t.brief
      const lock = await t.lock({ requestTimeout })
      await t.trouble('pause')
      await unanswered(t, () => lock.tryAcquire())
      await unanswered(t, () => lock.acquire())
      await unanswered(t, () => lock.using(async () => undefined))
    },
  },
  {
    title: 'locked, inspect and forceRelease reject with LOCK_BACKEND while the backend hangs, never with false',
    needs: hung,
    async body(t) {
      const requestTimeout = t.brief
      const lock = await t.lock({ requestTimeout })
      await t.trouble('pause')
      await unanswered(t, () => lock.locked())
      await unanswered(t, () => lock.inspect())
      await unanswered(t, () => lock.forceRelease())
    },
  },
  {
    title: 'list rejects with LOCK_BACKEND while the backend hangs',
    needs: [...hung, list],
    async body(t) {
      const requestTimeout = t.brief
      const client = await t.client()
      await createLocks(t.options(client)).list()
      const locks = createLocks(t.options(client, { requestTimeout }))
      await t.trouble('pause')
      await unanswered(t, () => locks.list())
    },
  },
  {
    title: 'a timeout shorter than requestTimeout bounds the outage, too',
    needs: hung,
    async body(t) {
      const lock = await t.lock({ requestTimeout: 20_000 })
      await t.trouble('pause')
      await unanswered(t, () => lock.acquire({ timeout: t.brief / 2 }), t.brief / 2)
    },
  },
  {
    title: 'a lock that somebody holds does not read as busy while the backend hangs',
    needs: hung,
    async body(t) {
      const requestTimeout = t.brief
      const [first, second] = await t.pair()
      await first.acquire()
      assert.equal(await second.tryAcquire(), null)
      await t.trouble('pause')
      await unanswered(t, () => second.tryAcquire({ requestTimeout }))
    },
  },
  {
    title: 'who waits when the backend begins to hang gets LOCK_BACKEND, not LOCK_TIMEOUT',
    needs: hung,
    async body(t) {
      const [first, second] = await t.pair()
      await first.acquire()
      const waits = second.acquire({ timeout: 20_000, retryInterval: t.brief })
      const waiting = later(refused(waits, 'LOCK_BACKEND'))
      if (t.capabilities.queue === 'fifo')
        await eventually('it waits', t.patience, async () => (await first.inspect()).waiters === 1)
      await t.trouble('pause')
      const { took } = await timed(() => waiting)
      assert.ok(took < 10_000, `it took ${took} ms`)
    },
  },
  {
    title: 'a holder keeps its lease through an outage that is shorter than its ttl',
    needs: hung,
    async body(t) {
      const [first, second] = await t.pair({ requestTimeout: t.vain })
      const lease = await first.acquire()
      await t.trouble('pause')
      await refused(lease.renew(), 'LOCK_BACKEND')
      assertHeld(lease)
      await t.trouble('resume')
      await lease.renew()
      assert.equal(await second.tryAcquire(), null)
      assert.equal(await lease.release(), true)
    },
  },
  {
    title: 'once the backend answers again, so do its clients',
    needs: hung,
    async body(t) {
      const requestTimeout = t.brief
      const lock = await t.lock({ ttl: t.forlorn, requestTimeout })
      await t.trouble('pause')
      await refused(lock.tryAcquire(), 'LOCK_BACKEND')
      await t.trouble('resume')
      const lease = await recovers('the lock is granted', t.patience, () => lock.tryAcquire())
      assertHeld(lease)
    },
  },
  {
    title: 'clients survive a cut connection: no free lock reads as held',
    needs: [fault('disconnect')],
    async body(t) {
      const [first, second] = await t.pair()
      for (let cut = 0; cut < 3; cut += 1) {
        const attempt = first.tryAcquire().catch(() => undefined)
        await t.trouble('disconnect')
        const lease = await attempt
        assert.notEqual(lease, null, 'nobody holds the lock')
        await lease?.release().catch(() => false)
        const other = await recovers('the lock is free', t.patience, () => second.tryAcquire())
        await other.release()
      }
    },
  },
  {
    title: 'who waits gets the lock although its connection was cut meanwhile',
    needs: [fault('disconnect')],
    async body(t) {
      const [first, second] = await t.pair()
      const lease = await first.acquire()
      const waiting = later(second.acquire())
      if (t.capabilities.queue === 'fifo')
        await eventually('it waits', t.patience, async () => (await first.inspect()).waiters === 1)
      await t.trouble('disconnect')
      await lease.release()
      assertHeld(await waiting)
    },
  },
  {
    title: 'clients survive a restart of the server',
    needs: [fault('restart')],
    async body(t) {
      const lock = await t.lock()
      await (await lock.acquire()).release()
      await t.trouble('restart')
      const lease = await recovers('the lock is granted', t.patience, () => lock.tryAcquire())
      assert.equal(await lease.release(), true)
    },
  },
])
