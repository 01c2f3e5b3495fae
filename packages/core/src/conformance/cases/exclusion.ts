import assert from 'node:assert/strict'
import type { Lock } from '../../index.ts'
import { assertHeld, busy, granted, refused } from '../expect.ts'
import type { Stage } from '../stage.ts'
import { declared, fault, type Need, type Theme, theme } from '../theme.ts'
import { eventually, sleep } from '../time.ts'
import { Violation } from '../violation.ts'

/** Adds one to a counter that forgets what happens between its reading and its writing. */
async function count(lock: Lock, counter: { value: number }): Promise<void> {
  await lock.using(async () => {
    const { value } = counter
    await sleep(1)
    counter.value = value + 1
  })
}

function assertCount({ value }: { readonly value: number }, expected: number): void {
  if (value !== expected) throw new Violation(`it counts ${value} of ${expected}`)
}

const repeat = async (times: number, work: () => Promise<unknown>): Promise<void> => {
  for (let done = 0; done < times; done += 1) await work()
}

/** Takes the lock in spite of failing requests. */
const insist = (stage: Stage, lock: Lock): Promise<unknown> =>
  eventually('the lock is granted again', stage.patience, async () => {
    const lease = await lock.tryAcquire().catch(() => null)
    return lease?.release()
  })

const keptOverRestart: Need = declared(
  'exclusion across a restart',
  ({ capabilities }) => capabilities.guarantee.exclusionAcross.restart === true,
)

export const exclusion: Theme = theme('exclusion', [
  {
    title: 'two contenders never hold at once',
    async body(t) {
      const witness = t.witness()
      const locks = await t.pair()
      const contend = (lock: Lock, index: number) =>
        repeat(10, () => lock.using((lease) => witness.watch(`client ${index + 1}`, lease, () => sleep(1))))
      await Promise.all(locks.map(contend))
      assert.equal(t.history.holdings.length, 20)
    },
  },
  {
    title: 'a counter that many tasks of many clients guard loses no count',
    async body(t) {
      const counter = { value: 0 }
      const locks = await t.locks(4)
      const tasks = locks.flatMap((lock) => Array.from({ length: 5 }, () => repeat(2, () => count(lock, counter))))
      await Promise.all(tasks)
      assertCount(counter, 40)
    },
  },
  {
    title: 'of attempts made at the same moment at most one is granted',
    async body(t) {
      const clients = await Promise.all(Array.from({ length: 4 }, () => t.client()))
      for (let round = 0; round < 25; round += 1) {
        const contenders = await Promise.all(clients.map((client) => t.contender({}, client)))
        const answers = await Promise.all(contenders.map((contender) => contender.acquire()))
        const grants = answers.filter(({ outcome }) => outcome === 'granted')
        if (grants.length > 1) throw new Violation(`${grants.length} of 4 were granted`)
        await Promise.all(contenders.map((contender) => contender.cancel()))
      }
    },
  },
  {
    title: 'tryAcquire is null while another client holds, and not after its release',
    async body(t) {
      const [first, second] = await t.pair()
      const lease = await first.acquire()
      assert.equal(await second.tryAcquire(), null)
      assert.equal(await lease.release(), true)
      const next = await second.tryAcquire({ timeout: t.patience })
      assertHeld(next)
      assert.equal(await first.tryAcquire(), null)
    },
  },
  {
    title: 'a lock object finds itself held, too: it is not re-entrant',
    async body(t) {
      const lock = await t.lock()
      const lease = await lock.acquire()
      assert.equal(await lock.tryAcquire(), null)
      assertHeld(lease)
    },
  },
  {
    title: 'locked() is true for everybody from the grant to the release',
    async body(t) {
      const [first, second] = await t.pair()
      assert.equal(await second.locked(), false)
      const lease = await first.acquire()
      assert.deepEqual([await first.locked(), await second.locked()], [true, true])
      await lease.release()
      assert.deepEqual([await first.locked(), await second.locked()], [false, false])
    },
  },
  {
    title: 'waiting ends with LOCK_TIMEOUT, neither early nor late, and tryAcquire with null',
    async body(t) {
      const [first, second] = await t.pair({ metadata: 'the one in the way' })
      const lease = await first.acquire()
      const started = performance.now()
      const error = await refused(second.acquire({ timeout: t.vain }), 'LOCK_TIMEOUT')
      const took = performance.now() - started
      assert.ok(took >= t.vain - 5 && took < t.vain + t.patience, `it ended after ${took} ms of ${t.vain}`)
      assert.match(error.message, /the one in the way/)
      assert.equal(await second.tryAcquire({ timeout: t.vain }), null)
      assertHeld(lease)
    },
  },
  {
    title: 'a busy answer names the holder and when to look again',
    async body(t) {
      const [first, second] = await t.contenders(2)
      assert.ok(first && second)
      const { fencingToken } = granted(await first.acquire())
      const { holder, retryAfter } = busy(await second.acquire())
      assert.ok(retryAfter > 0 && retryAfter <= 60_000, `retryAfter is ${retryAfter}`)
      if (holder === undefined) return
      assert.equal(holder.owner, first.owner)
      assert.equal(holder.fencingToken, fencingToken)
    },
  },
  {
    title: 'a held lock stays held while connections are cut',
    needs: [fault('disconnect')],
    async body(t) {
      const [first, second] = await t.pair()
      const lease = await first.acquire()
      for (let cut = 0; cut < 3; cut += 1) {
        const attempt = second.tryAcquire().catch(() => null)
        await t.trouble('disconnect')
        assert.equal(await attempt, null)
        assertHeld(lease)
      }
      await lease.release().catch(() => false)
      await insist(t, second)
    },
  },
  {
    title: 'a guarded counter loses no count while connections are cut',
    needs: [fault('disconnect')],
    async body(t) {
      const counter = { value: 0 }
      let expected = 0
      const locks = await t.locks(3)
      const task = async (lock: Lock): Promise<void> => {
        for (let done = 0; done < 5; done += 1) {
          const lease = await lock.acquire().catch(() => null)
          if (lease === null) continue
          const { value } = counter
          await sleep(1)
          if (lease.held) {
            counter.value = value + 1
            expected += 1
          }
          await lease.release().catch(() => false)
        }
      }
      const work = Promise.all(locks.flatMap((lock) => [task(lock), task(lock)]))
      for (let cut = 0; cut < 5; cut += 1) {
        await sleep(5)
        await t.trouble('disconnect')
      }
      await work
      assertCount(counter, expected)
      await Promise.all(locks.map((lock) => insist(t, lock)))
    },
  },
  {
    title: 'a held lock stays held across a restart of the server',
    needs: [fault('restart'), keptOverRestart],
    async body(t) {
      const [first, second] = await t.pair()
      const lease = await first.acquire()
      await t.trouble('restart')
      const seen = await eventually('the server answers again', t.patience, async () => {
        const attempt = await second.tryAcquire().catch(() => undefined)
        return attempt === undefined ? undefined : { attempt }
      })
      assert.equal(seen.attempt, null)
      assertHeld(lease)
      await lease.renew()
      assert.equal(await lease.release(), true)
      await insist(t, second)
    },
  },
])
