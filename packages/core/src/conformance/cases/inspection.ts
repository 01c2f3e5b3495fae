import assert from 'node:assert/strict'
import { createLocks, Lock } from '../../index.ts'
import { busy, counted, granted, json, refused } from '../expect.ts'
import { list, mode, not, queue, type Theme, theme } from '../theme.ts'
import { eventually, sleep } from '../time.ts'

export const inspection: Theme = theme('inspection', [
  {
    title: 'a free lock has no holders and no waiters',
    async body(t) {
      const lock = await t.lock()
      assert.deepEqual(await lock.inspect(), { holders: [], waiters: 0 })
      await (await lock.acquire()).release()
      assert.deepEqual(await lock.inspect(), { holders: [], waiters: 0 })
    },
  },
  {
    title: 'a holder is shown with its owner id, mode, fencing token, remaining time and metadata',
    async body(t) {
      const [first, second] = await t.pair()
      const lease = await first.acquire({ metadata: 'nightly import' })
      const { holders } = await second.inspect()
      assert.equal(holders.length, 1)
      const [holder] = holders
      assert.ok(holder)
      const { owner, mode, fencingToken, metadata, remaining, age } = holder
      assert.deepEqual(
        { owner, mode, fencingToken, metadata },
        { owner: lease.owner, mode: 'exclusive', fencingToken: lease.fencingToken, metadata: 'nightly import' },
      )
      const plausible = remaining > t.long - t.patience && remaining <= t.long + t.patience
      assert.ok(plausible, `${remaining} ms remain of ${t.long}`)
      assert.ok(age === undefined || (age >= 0 && age <= t.patience), `it is ${age} ms old`)
    },
  },
  {
    title: 'every holder of a shared lock is shown',
    needs: [mode('shared')],
    async body(t) {
      const [first, second] = [await t.readWriteLock(), await t.readWriteLock()]
      const leases = [await first.read.acquire(), await second.read.acquire()]
      const { holders } = await first.write.inspect()
      assert.deepEqual(holders.map(({ owner }) => owner).sort(), leases.map(({ owner }) => owner).sort())
      assert.deepEqual(new Set(holders.map(({ mode }) => mode)), new Set(['shared']))
    },
  },
  {
    title: 'every holder of a semaphore is shown, with a fencing token of its own',
    needs: [mode('semaphore')],
    async body(t) {
      const semaphore = await t.semaphore(3)
      const leases = [await semaphore.acquire(), await semaphore.acquire()]
      const { holders } = await semaphore.inspect()
      const tokens = leases.map(({ fencingToken }) => fencingToken)
      assert.deepEqual(new Set(holders.map(({ fencingToken }) => fencingToken)), new Set(tokens))
      assert.equal(holders.length, 2)
      assert.equal(holders[0]?.mode, 'semaphore')
    },
  },
  {
    title: 'waiters are counted, and no longer once they have got or given up the lock',
    needs: [queue],
    async body(t) {
      const [holder, first, second] = await t.contenders(3)
      const lock = await t.lock()
      const count = async (): Promise<number> => (await lock.inspect()).waiters
      assert.ok(holder && first && second)
      granted(await holder.acquire())
      busy(await first.enqueue())
      assert.equal(await count(), 1)
      busy(await second.enqueue())
      assert.equal(await count(), 2)
      await second.cancel()
      assert.equal(await count(), 1)
      await holder.release()
      await eventually('the first is granted', t.patience, async () => (await first.enqueue()).outcome === 'granted')
      assert.equal(await count(), 0)
    },
  },
  {
    title: 'the secret token is shown nowhere: not to who inspects, lists or is refused',
    async body(t) {
      const [holder, waiter] = await t.contenders(2)
      assert.ok(holder && waiter)
      granted(await holder.acquire())
      const answer = await waiter.acquire({
        wait: { queue: t.capabilities.queue === 'fifo', retryInterval: undefined, wake: () => undefined },
      })
      const backend = await t.client()
      const lock = new Lock(t.name, t.options(backend))
      const error = await refused(lock.acquire({ timeout: t.vain }), 'LOCK_TIMEOUT')
      const listed = t.capabilities.list ? await createLocks(t.options(backend)).list() : []
      const shown = json([answer, await lock.inspect(), listed, { ...error, text: error.message, stack: error.stack }])
      for (const { token } of [holder, waiter]) assert.ok(!shown.includes(token), `a secret in ${shown}`)
      await waiter.cancel()
    },
  },
  {
    title: 'metadata comes back to the letter, whatever it contains',
    async body(t) {
      const lock = await t.lock()
      for (const metadata of [
        '',
        ' ',
        'a,b;c@d%41',
        '"\\\n\0',
        '中文 🔒',
        '{"a":[1]}',
        '__proto__',
        'x'.repeat(1_024),
      ]) {
        const lease = await lock.acquire({ metadata })
        assert.equal((await lock.inspect()).holders[0]?.metadata, metadata)
        await lease.release()
      }
    },
  },
  {
    title: 'the remaining time falls, and rises with a renewal',
    async body(t) {
      const contender = await t.contender()
      const lock = await t.lock()
      const remaining = async (): Promise<number> => (await lock.inspect()).holders[0]?.remaining ?? 0
      granted(await contender.acquire({ ttl: t.long / 2 }))
      const first = await remaining()
      await sleep(Math.max(100, 3 * t.capabilities.ttl.granularity))
      const second = await remaining()
      assert.ok(second < first, `${first} ms remained, then ${second}`)
      await contender.renew(t.long)
      const third = await remaining()
      assert.ok(third > first, `${first} ms remained, and ${third} after a renewal`)
    },
  },
  {
    title: 'list names what is held, by namespace and prefix, sorted, to the letter',
    needs: [list],
    async body(t) {
      const backend = await t.client()
      const namespace = `conformance.${t.name}`
      const here = createLocks(t.options(backend, { namespace }))
      const there = createLocks(t.options(backend, { namespace: `${namespace}.b` }))
      const names = ['b', 'a/b', 'a', 'a/ü🔒', 'a/\0', 'A', '..', '{', '%41', 'a b', 'ab']
      for (const name of names) await here.lock(name).acquire()
      await there.lock('a/c').acquire()
      assert.deepEqual(await here.list(), names.toSorted())
      assert.deepEqual(await here.list('a/'), ['a/\0', 'a/b', 'a/ü🔒'])
      assert.deepEqual(await here.list('%'), ['%41'])
      assert.deepEqual(await here.list('A'), ['A'])
      assert.deepEqual(await here.list('.'), ['..'])
      for (const pattern of ['*', '?', '_', '^a', '[a-z]', 'a%', 'a/\\']) assert.deepEqual(await here.list(pattern), [])
      assert.deepEqual(await here.list('none'), [])
      assert.deepEqual(await there.list(), ['a/c'])
      await here.lock('a/b').forceRelease()
      assert.deepEqual(await here.list('a/'), ['a/\0', 'a/ü🔒'])
    },
  },
  {
    title: 'list leaves out what ran out',
    needs: [list],
    async body(t) {
      const locks = createLocks(t.options(await t.client()))
      granted(await (await t.contender()).acquire({ ttl: t.ttl }))
      assert.deepEqual(await locks.list(t.name), [t.name])
      await eventually('it is no longer listed', t.expiry(), async () => (await locks.list(t.name)).length === 0)
    },
  },
  {
    title: 'list is refused with LOCK_UNSUPPORTED, before anything is sent, where the backend declares so',
    needs: [not(list)],
    async body(t) {
      const { backend, calls } = counted(await t.client())
      await refused(createLocks(t.options(backend)).list(), 'LOCK_UNSUPPORTED')
      assert.equal(calls(), 0)
      await refused(backend.list({ namespace: t.namespace, prefix: '', timeout: t.patience }), 'LOCK_UNSUPPORTED')
    },
  },
])
