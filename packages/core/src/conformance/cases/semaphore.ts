import assert from 'node:assert/strict'
import { Semaphore } from '../../index.ts'
import { assertHeld, counted, granted, refused } from '../expect.ts'
import { mode, not, queue, type Theme, theme } from '../theme.ts'
import { eventually, later, sleep } from '../time.ts'

const permitsOffered = mode('semaphore')

export const semaphore: Theme = theme('semaphore', [
  {
    title: 'as many hold at once as there are permits, and never more',
    needs: [permitsOffered],
    async body(t) {
      const witness = t.witness(3)
      const semaphores = await Promise.all(Array.from({ length: 3 }, () => t.semaphore(3)))
      const leases = await Promise.all(semaphores.map((one) => one.acquire()))
      for (const [index, lease] of leases.entries()) witness.enter(`the first ${index + 1}`, lease)
      const task = (one: Semaphore) => one.using((lease) => witness.watch('a task', lease, () => sleep(5)))
      const tasks = semaphores.flatMap((one) => Array.from({ length: 5 }, () => later(task(one))))
      for (const lease of leases) {
        await sleep(t.brief / 4)
        witness.leave(lease)
        await lease.release()
      }
      await Promise.all(tasks)
      assert.equal(t.history.holdings.length, 18)
    },
  },
  {
    title: 'a permit that is taken is not given again until it is released',
    needs: [permitsOffered],
    async body(t) {
      const [first, second] = [await t.semaphore(2), await t.semaphore(2)]
      const leases = [await first.acquire(), await first.acquire()]
      assert.equal(await second.tryAcquire(), null)
      assert.equal(await leases[0]?.release(), true)
      const next = await second.tryAcquire({ timeout: t.patience })
      assert.equal(next?.mode, 'semaphore')
      assert.equal(await first.tryAcquire(), null)
      assertHeld(leases[1])
    },
  },
  {
    title: 'a freed permit goes to who waits',
    needs: [permitsOffered],
    async body(t) {
      const [first, second] = [await t.semaphore(2), await t.semaphore(2)]
      const leases = [await first.acquire(), await first.acquire()]
      const waiting = later(second.acquire())
      await sleep(t.brief / 4)
      await leases[1]?.release()
      assertHeld(await waiting)
      assertHeld(leases[0])
    },
  },
  {
    title: 'waiters are served in the order of their arrival',
    needs: [permitsOffered, queue],
    async body(t) {
      const [holder, first, second] = await t.contenders(3, { mode: 'semaphore', permits: 1 })
      assert.ok(holder && first && second)
      granted(await holder.acquire())
      assert.equal((await first.enqueue()).outcome, 'busy')
      assert.equal((await second.enqueue()).outcome, 'busy')
      await holder.release()
      await eventually('the first is granted', t.patience, async () => {
        assert.equal((await second.enqueue()).outcome, 'busy')
        return (await first.enqueue()).outcome === 'granted'
      })
    },
  },
  {
    title: 'a permit whose holder died is given to another after its ttl, while the others keep theirs',
    needs: [permitsOffered],
    async body(t) {
      const dead = await t.contender({ mode: 'semaphore', permits: 2, ttl: t.ttl })
      const [first, second] = [await t.semaphore(2, { ttl: t.steady }), await t.semaphore(2)]
      granted(await dead.acquire())
      const lease = await first.acquire()
      assert.equal(await second.tryAcquire(), null)
      const next = await second.acquire({ timeout: t.expiry() })
      assert.deepEqual([lease.held, next.held], [true, true])
      assert.equal(await first.tryAcquire(), null)
    },
  },
  {
    title: 'another number of permits is LOCK_MISMATCH while the semaphore is in use, and fine afterwards',
    needs: [permitsOffered],
    async body(t) {
      const [two, three] = [await t.semaphore(2), await t.semaphore(3)]
      const lease = await two.acquire()
      await refused(three.tryAcquire(), 'LOCK_MISMATCH')
      await refused(three.acquire(), 'LOCK_MISMATCH')
      assert.equal(await lease.release(), true)
      assert.ok(await three.tryAcquire({ timeout: t.patience }))
      await refused(two.tryAcquire(), 'LOCK_MISMATCH')
    },
  },
  {
    title: 'using a name as a lock and as a semaphore at the same time is LOCK_MISMATCH, either way',
    needs: [permitsOffered],
    async body(t) {
      const [lock, one] = [await t.lock(), await t.semaphore(1)]
      const lease = await lock.acquire()
      await refused(one.tryAcquire(), 'LOCK_MISMATCH')
      await refused(one.acquire(), 'LOCK_MISMATCH')
      assert.equal(await lease.release(), true)
      const permit = await one.acquire({ timeout: t.patience })
      await refused(lock.tryAcquire(), 'LOCK_MISMATCH')
      await refused(lock.acquire(), 'LOCK_MISMATCH')
      assert.deepEqual([permit.held, await lock.locked()], [true, true])
    },
  },
  {
    title: 'an acquire repeated with its token takes no second permit',
    needs: [permitsOffered],
    async body(t) {
      const [first, second] = await t.contenders(2, { mode: 'semaphore', permits: 2 })
      assert.ok(first && second)
      const { fencingToken } = granted(await first.acquire())
      assert.equal(granted(await first.acquire()).fencingToken, fencingToken)
      granted(await second.acquire())
      assert.equal(await first.release(), true)
      assert.equal((await second.renew()).outcome, 'renewed')
    },
  },
  {
    title: 'it is refused with LOCK_UNSUPPORTED, before anything is sent, where the backend has no semaphores',
    needs: [not(permitsOffered)],
    async body(t) {
      const { backend, calls } = counted(await t.client())
      const one = new Semaphore(t.name, 2, t.options(backend))
      await refused(one.acquire(), 'LOCK_UNSUPPORTED')
      await refused(one.tryAcquire(), 'LOCK_UNSUPPORTED')
      assert.equal(calls(), 0)
    },
  },
])
