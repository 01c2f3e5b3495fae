import assert from 'node:assert/strict'
import { Lock } from '../../index.ts'
import { granted } from '../expect.ts'
import { declared, fault, mode, type Need, queue, type Theme, theme } from '../theme.ts'
import { eventually, recovers, sleep } from '../time.ts'
import { Violation } from '../violation.ts'

function assertAbove(after: bigint, before: bigint): void {
  assert.equal(typeof after, 'bigint')
  if (after <= before) throw new Violation(`fencing token ${after} was granted after ${before}`)
}

/** Takes and releases the lock once, and resolves with the fencing token. */
const tokenOf = (lock: Lock): Promise<bigint> => lock.using(({ fencingToken }) => fencingToken)

const risingOverRestart: Need = declared(
  'fencing across a restart',
  ({ capabilities }) => capabilities.guarantee.fencingAcross.restart !== false,
)

export const fencing: Theme = theme('fencing', [
  {
    title: 'tokens rise from grant to grant, whoever gets them',
    async body(t) {
      const locks = await t.locks(3)
      let last = 0n
      for (let round = 0; round < 10; round += 1) {
        for (const lock of locks) {
          const token = await tokenOf(lock)
          assertAbove(token, last)
          last = token
        }
      }
    },
  },
  {
    title: 'tokens rise over an expiry',
    async body(t) {
      const [first, second] = await t.pair()
      const lapsed = await first.acquire({ ttl: t.ttl, autoRenew: false })
      const lease = await second.acquire({ timeout: t.expiry() })
      assertAbove(lease.fencingToken, lapsed.fencingToken)
    },
  },
  {
    title: 'tokens rise over forceRelease',
    async body(t) {
      const [first, second] = await t.pair()
      const broken = await first.acquire()
      await second.forceRelease()
      const lease = await second.acquire({ timeout: t.patience })
      assertAbove(lease.fencingToken, broken.fencingToken)
      await second.forceRelease()
      assertAbove((await first.acquire({ timeout: t.patience })).fencingToken, lease.fencingToken)
    },
  },
  {
    title: 'tokens rise over a grant that was taken back',
    async body(t) {
      const [first, second] = await t.contenders(2)
      assert.ok(first && second)
      const { fencingToken } = granted(await first.acquire())
      await first.cancel()
      assertAbove(granted(await second.acquire()).fencingToken, fencingToken)
    },
  },
  {
    title: 'tokens rise over requests that were given up, and may arrive late',
    needs: [fault('delayRequests', 'resume')],
    async body(t) {
      const requestTimeout = t.brief
      const mine = t.options(await t.client(), { ttl: t.forlorn, requestTimeout })
      const others = t.options(await t.client())
      const names = Array.from({ length: 40 }, (_, index) => `${t.name}/${index}`)
      const takeAll = () => Promise.all(names.map((name) => tokenOf(new Lock(name, others))))
      const before = await takeAll()
      await t.trouble('delayRequests', 0, 3 * requestTimeout)
      const given = names.map((name) => new Lock(name, mine).tryAcquire().catch(() => null))
      const leases = await Promise.all(given)
      await t.trouble('resume')
      // One that isn't answered in time goes on in the background.
      await Promise.all(leases.map((lease) => lease?.release().catch(() => false)))
      const between = await takeAll()
      await sleep(4 * requestTimeout)
      const after = await takeAll()
      for (const index of names.keys()) {
        assertAbove(between[index] ?? 0n, before[index] ?? 0n)
        assertAbove(after[index] ?? 0n, between[index] ?? 0n)
      }
    },
  },
  {
    title: 'a renewal keeps the token',
    async body(t) {
      const lock = await t.lock()
      const lease = await lock.acquire()
      const { fencingToken } = lease
      await lease.renew()
      assert.equal(lease.fencingToken, fencingToken)
      assert.equal((await lock.inspect()).holders[0]?.fencingToken, fencingToken)
    },
  },
  {
    title: 'the tokens of a lock go on where they were after many other locks were used',
    async body(t) {
      const [first, second] = await t.pair()
      const before = await tokenOf(first)
      const others = t.options(await t.client())
      await Promise.all(Array.from({ length: 50 }, (_, index) => tokenOf(new Lock(`${t.name}/${index}`, others))))
      assertAbove(await tokenOf(second), before)
    },
  },
  {
    title: 'tokens rise when tasks of one process pass the lock on and another process wants it, too',
    async body(t) {
      const witness = t.witness()
      const [first, second] = await t.pair()
      const task = (lock: Lock) => lock.using((lease) => witness.watch('a task', lease, () => Promise.resolve()))
      await Promise.all([first, first, first, second, first, first, second, first, first, first].map(task))
      assert.equal(t.history.holdings.length, 10)
      t.history.assertRising()
    },
  },
  {
    title: 'tokens rise however often tasks of one process pass the lock on',
    async body(t) {
      const witness = t.witness()
      const [first, second] = await t.pair()
      const task = (lock: Lock) => lock.using((lease) => witness.watch('a task', lease, () => Promise.resolve()))
      for (let round = 0; round < 3; round += 1) {
        await Promise.all(Array.from({ length: 300 }, () => task(first)))
        await task(second)
      }
      assert.equal(t.history.holdings.length, 903)
      t.history.assertRising()
    },
  },
  {
    title: 'reserved tokens are granted to nobody else',
    async body(t) {
      const [first, second] = await t.contenders(2)
      assert.ok(first && second)
      const { fencingToken } = granted(await first.acquire({ tokens: 64 }))
      assert.equal(await first.release(), true)
      assertAbove(granted(await second.acquire({ tokens: 8 })).fencingToken, fencingToken + 63n)
    },
  },
  {
    title: 'tokens reserved by a waiter are granted to nobody else',
    needs: [queue],
    async body(t) {
      const [first, second, third] = await t.contenders(3)
      assert.ok(first && second && third)
      const before = granted(await first.acquire()).fencingToken
      assert.equal((await second.enqueue({ tokens: 64 })).outcome, 'busy')
      await first.release()
      const { fencingToken: reserved } = await eventually('it is granted', t.patience, async () => {
        const answer = await second.enqueue({ tokens: 64 })
        return answer.outcome === 'granted' ? answer : null
      })
      assertAbove(reserved, before)
      assert.equal(await second.release(), true)
      assertAbove(granted(await third.acquire()).fencingToken, reserved + 63n)
    },
  },
  {
    title: 'holders at the same time have tokens of their own, in the order of their grants',
    needs: [mode('shared')],
    async body(t) {
      const locks = await Promise.all(Array.from({ length: 3 }, () => t.readWriteLock()))
      let last = 0n
      for (const { read } of locks) {
        const { fencingToken } = await read.acquire()
        assertAbove(fencingToken, last)
        last = fencingToken
      }
    },
  },
  {
    title: 'tokens rise from mode to mode',
    needs: [mode('shared'), mode('semaphore')],
    async body(t) {
      const { read, write } = await t.readWriteLock()
      const semaphore = await t.semaphore(2)
      let last = 0n
      for (const lock of [write, read, semaphore, write, semaphore, read, write]) {
        const token = await tokenOf(lock)
        assertAbove(token, last)
        last = token
      }
    },
  },
  {
    title: 'tokens rise over a restart of the server',
    needs: [fault('restart'), risingOverRestart],
    async body(t) {
      const [first, second] = await t.pair()
      const before = await tokenOf(first)
      await t.trouble('restart')
      const after = await recovers('the server answers', t.patience, () => tokenOf(second))
      assertAbove(after, before)
    },
  },
])
