import assert from 'node:assert/strict'
import { ReadWriteLock } from '../../index.ts'
import { assertHeld, busy, counted, granted, refused } from '../expect.ts'
import { mode, not, queue, type Theme, theme } from '../theme.ts'
import { eventually, later, now, sleep } from '../time.ts'
import { waiters } from './queue-places.ts'

const readers = mode('shared')

export const shared: Theme = theme('shared', [
  {
    title: 'readers hold together, and a writer is kept out until the last of them has gone',
    needs: [readers],
    async body(t) {
      const [first, second] = [await t.readWriteLock(), await t.readWriteLock()]
      const one = await first.read.acquire()
      const two = await second.read.acquire({ timeout: t.patience })
      assert.deepEqual([one.held, two.held, one.mode], [true, true, 'shared'])
      assert.equal(await second.write.tryAcquire(), null)
      assert.equal(await one.release(), true)
      assert.equal(await first.write.tryAcquire(), null)
      assertHeld(two)
      assert.equal(await two.release(), true)
      assert.ok(await first.write.tryAcquire({ timeout: t.patience }))
    },
  },
  {
    title: 'a writer keeps readers and other writers out, and is the plain lock of that name',
    needs: [readers],
    async body(t) {
      const { read, write } = await t.readWriteLock()
      const lock = await t.lock()
      const lease = await write.acquire()
      assert.deepEqual([await read.tryAcquire(), await lock.tryAcquire()], [null, null])
      assert.equal(await lease.release(), true)
      const plain = await lock.acquire({ timeout: t.patience })
      assert.deepEqual([await read.tryAcquire(), await write.tryAcquire()], [null, null])
      assertHeld(plain)
    },
  },
  {
    title: 'readers never see what a writer has half done',
    needs: [readers],
    async body(t) {
      const pair = { left: 0, right: 0 }
      const locks = await Promise.all(Array.from({ length: 3 }, () => t.readWriteLock()))
      const write = ({ write }: ReadWriteLock) =>
        write.using(async () => {
          pair.left += 1
          await sleep(1)
          pair.right += 1
        })
      const read = ({ read }: ReadWriteLock) =>
        read.using(async () => {
          const { left } = pair
          await sleep(1)
          assert.equal(pair.right, left)
        })
      const round = locks.flatMap((lock) => [read(lock), write(lock), read(lock), read(lock)])
      await Promise.all(round)
      assert.deepEqual(pair, { left: 3, right: 3 })
    },
  },
  {
    title: 'a steady stream of readers does not starve a writer',
    needs: [readers, queue],
    async body(t) {
      const streams = await Promise.all(Array.from({ length: 3 }, () => t.readWriteLock()))
      const { write } = await t.readWriteLock()
      let over = false
      let staying = 0
      let entered = now()
      // Leaves only when another one stays, or nobody has been let in for long: the readers leave no gap.
      const visit = async (): Promise<void> => {
        staying += 1
        entered = now()
        await sleep(5)
        while (!over && staying < 2 && now() - entered < t.patience / 3) await sleep(2)
        staying -= 1
      }
      const stream = async ({ read }: ReadWriteLock): Promise<void> => {
        while (!over) await read.using(visit)
      }
      const reading = streams.map((lock) => later(stream(lock)))
      await sleep(60)
      const started = now()
      const lease = await write.tryAcquire({ timeout: t.patience })
      const took = now() - started
      over = true
      await lease?.release()
      await Promise.all(reading)
      assert.ok(lease, `the writer did not get in within ${took} ms`)
    },
  },
  {
    title: 'a reader does not pass a writer who waits',
    needs: [readers, queue],
    async body(t) {
      const [first, second] = [await t.readWriteLock(), await t.readWriteLock()]
      const { write } = await t.readWriteLock()
      const reading = await first.read.acquire()
      const order: string[] = []
      const writing = later(write.using(() => order.push('writer')))
      await waiters(t, write, 1)
      assert.equal(await second.read.tryAcquire(), null)
      const late = later(second.read.using(() => order.push('reader')))
      await waiters(t, write, 2)
      await reading.release()
      await Promise.all([writing, late])
      assert.deepEqual(order, ['writer', 'reader'])
    },
  },
  {
    title: 'readers who wait in a row enter together',
    needs: [readers, queue],
    async body(t) {
      const writer = await t.readWriteLock()
      const readers = await Promise.all(Array.from({ length: 3 }, () => t.readWriteLock()))
      const writing = await writer.write.acquire()
      let inside = 0
      const read = (lock: ReadWriteLock) =>
        lock.read.using(async () => {
          inside += 1
          await eventually('all are inside', t.patience, () => inside === 3)
        })
      const reading = readers.map((lock) => later(read(lock)))
      await waiters(t, writer.write, 3)
      await writing.release()
      await Promise.all(reading)
    },
  },
  {
    title: "a crashed reader does not live on another's renewals",
    needs: [readers],
    async body(t) {
      const dead = await t.contender({ mode: 'shared', ttl: t.ttl })
      const { read, write } = await t.readWriteLock({ ttl: t.steady })
      const lease = await read.acquire()
      granted(await dead.acquire())
      await eventually('the dead one is gone', t.expiry(), async () => {
        const { holders } = await read.inspect()
        return holders.every(({ owner }) => owner !== dead.owner)
      })
      assertHeld(lease)
      assert.equal(await write.tryAcquire(), null)
      assert.equal(await lease.release(), true)
      assert.ok(await write.tryAcquire({ timeout: t.patience }))
    },
  },
  {
    title: "a reader who joins for a short time does not shorten another's hold",
    needs: [readers],
    async body(t) {
      const [long, short] = await t.contenders(2, { mode: 'shared' })
      const writer = await t.contender()
      assert.ok(long && short)
      granted(await long.acquire({ ttl: t.long }))
      granted(await short.acquire({ ttl: t.ttl }))
      for (const started = now(); now() - started < 2.5 * t.ttl; await sleep(t.ttl / 4)) busy(await writer.acquire())
      assert.equal(await long.release(), true)
    },
  },
  {
    title: "a reader's release or renewal concerns its own hold only",
    needs: [readers],
    async body(t) {
      const [first, second, third] = await t.contenders(3, { mode: 'shared' })
      assert.ok(first && second && third)
      granted(await first.acquire())
      granted(await second.acquire())
      assert.equal(await third.release(), false)
      assert.equal(await first.release(), true)
      assert.deepEqual(await first.renew(), { outcome: 'lost' })
      assert.equal((await second.renew()).outcome, 'renewed')
      assert.deepEqual(
        (await (await t.lock()).inspect()).holders.map(({ owner }) => owner),
        [second.owner],
      )
    },
  },
  {
    title: 'forceRelease ends the holds of all readers',
    needs: [readers],
    async body(t) {
      const [first, second] = [await t.readWriteLock(), await t.readWriteLock()]
      const leases = [await first.read.acquire(), await second.read.acquire()]
      assert.equal(await first.write.forceRelease(), true)
      assert.ok(await first.write.tryAcquire({ timeout: t.patience }))
      for (const lease of leases) await refused(lease.renew(), 'LOCK_LOST')
    },
  },
  {
    title: 'reading is refused with LOCK_UNSUPPORTED, before anything is sent, where the backend has no shared mode',
    needs: [not(readers)],
    async body(t) {
      const { backend, calls } = counted(await t.client())
      const { read, write } = new ReadWriteLock(t.name, t.options(backend))
      await refused(read.acquire(), 'LOCK_UNSUPPORTED')
      await refused(read.tryAcquire(), 'LOCK_UNSUPPORTED')
      assert.equal(calls(), 0)
      assertHeld(await write.acquire())
    },
  },
])
