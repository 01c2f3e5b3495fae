import assert from 'node:assert/strict'
import { createLocks, Lock, systemRuntime } from '../../index.ts'
import { assertHeld, busy, granted, json, refused } from '../expect.ts'
import { mode, type Theme, theme } from '../theme.ts'
import { sleep } from '../time.ts'

export const handOver: Theme = theme('hand-over', [
  {
    title: 'a detached lease goes on elsewhere with the same fencing token and owner, and nobody gets in between',
    async body(t) {
      const [first, other] = await t.pair()
      const lease = await first.acquire()
      const detached = await lease.detach()
      assert.equal(lease.held, false)
      assert.throws(() => lease.assertHeld(), { code: 'LOCK_NOT_HELD' })
      assert.equal(await other.tryAcquire(), null)
      const attached = await Lock.attach(json(detached), t.options(await t.client()))
      assert.deepEqual(
        [attached.held, attached.fencingToken, attached.owner, attached.name, attached.mode],
        [true, lease.fencingToken, lease.owner, t.name, 'exclusive'],
      )
      assert.equal(await other.tryAcquire(), null)
      assert.equal(await lease.release(), false)
      await attached.renew()
      assert.equal(await attached.release(), true)
      assert.ok(await other.tryAcquire({ timeout: t.patience }))
    },
  },
  {
    title: 'a second attach of the same lease is LOCK_LOST and leaves the first alone',
    async body(t) {
      const detached = await (await (await t.lock()).acquire()).detach()
      const attached = await Lock.attach(detached, t.options(await t.client()))
      await refused(Lock.attach(detached, t.options(await t.client())), 'LOCK_LOST')
      await attached.renew()
      assertHeld(attached)
    },
  },
  {
    title: 'a detached lease outlives the client that took it',
    async body(t) {
      const backend = await t.client()
      const detached = await (await new Lock(t.name, t.options(backend)).acquire()).detach()
      await createLocks({ backend }).close()
      assert.equal(await (await t.lock()).tryAcquire(), null)
      const attached = await Lock.attach(detached, t.options(await t.client()))
      assert.equal(await attached.release(), true)
    },
  },
  {
    title: 'an attached lease is renewed from then on',
    async body(t) {
      const [first, other] = await t.pair({ ttl: t.steady })
      const detached = await (await first.acquire()).detach()
      const attached = await Lock.attach(detached, t.options(await t.client(), { ttl: t.steady }))
      await sleep(1.5 * t.steady)
      assertHeld(attached)
      assert.equal(await other.tryAcquire(), null)
    },
  },
  {
    title: 'a detached lease that nobody takes up runs out, and attaching it then is LOCK_LOST',
    async body(t) {
      const [first, other] = await t.pair()
      const detached = await (await first.acquire({ ttl: t.ttl })).detach()
      const next = await other.acquire({ timeout: t.expiry() })
      await refused(Lock.attach(detached, t.options(await t.client())), 'LOCK_LOST')
      await next.renew()
      assertHeld(next)
    },
  },
  {
    title: 'a detached lease of a reader is taken up as a reader',
    needs: [mode('shared')],
    async body(t) {
      const { read, write } = await t.readWriteLock()
      const other = await read.acquire()
      const detached = await (await read.acquire()).detach()
      const attached = await Lock.attach(detached, t.options(await t.client()))
      assert.equal(attached.mode, 'shared')
      assert.equal(await other.release(), true)
      assert.equal(await write.tryAcquire(), null)
      assert.equal(await attached.release(), true)
      assert.ok(await write.tryAcquire({ timeout: t.patience }))
    },
  },
  {
    title: 'a rotation makes the old secret void in the same step, and can be repeated',
    async body(t) {
      const [old, other] = await t.contenders(2)
      assert.ok(old && other)
      const { fencingToken } = granted(await old.acquire())
      const token = systemRuntime.id(16)
      assert.equal((await old.renew(t.long, token)).outcome, 'renewed')
      assert.deepEqual(await old.renew(), { outcome: 'lost' })
      assert.equal(await old.release(), false)
      assert.equal((await old.renew(t.long, token)).outcome, 'renewed', 'its reply may have been lost')
      await old.cancel()
      assert.deepEqual(await old.renew(t.long, systemRuntime.id(16)), { outcome: 'lost' })
      busy(await other.acquire())
      const [holder] = (await (await t.lock()).inspect()).holders
      assert.deepEqual([holder?.owner, holder?.fencingToken], [old.owner, fencingToken])
      assert.equal(await old.backend.release({ key: t.key, token, mode: 'exclusive', timeout: t.patience }), true)
      granted(await other.acquire())
    },
  },
])
