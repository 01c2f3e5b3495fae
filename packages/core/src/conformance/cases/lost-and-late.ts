import assert from 'node:assert/strict'
import { Lock } from '../../index.ts'
import { assertHeld, refused, rejection } from '../expect.ts'
import type { Stage } from '../stage.ts'
import { type CaseDefinition, fault, lateRefused, not } from '../theme.ts'
import { eventually, recovers, sleep, turns, within } from '../time.ts'

/** So that what follows is one request, on a connection that stands. */
async function warmUp(lock: Lock): Promise<void> {
  await (await lock.acquire({ requestTimeout: 10_000 })).release()
}

/** The lock can be had at once by somebody else, long before the ttl of a stray hold would be over. */
export async function assertFree(t: Stage): Promise<void> {
  const lease = await (await t.lock()).tryAcquire({ timeout: t.patience })
  assert.ok(lease, 'a stray hold was left behind')
  assert.equal(await lease.release(), true)
}

/** Requests and replies that get lost, are cut off, or come late. */
export const lostAndLate: readonly CaseDefinition[] = [
  {
    title: 'a lost reply of acquire leaves no hold behind',
    needs: [fault('loseReplies', 'resume')],
    async body(t) {
      const requestTimeout = t.brief
      const lock = await t.lock()
      await warmUp(lock)
      await t.trouble('loseReplies')
      await refused(lock.tryAcquire({ requestTimeout }), 'LOCK_BACKEND')
      await t.trouble('resume')
      await assertFree(t)
    },
  },
  {
    title: 'a hold of which nobody heard runs out with its ttl',
    needs: [fault('loseReplies', 'resume')],
    async body(t) {
      const dead = await t.contender({ ttl: t.ttl, timeout: t.brief })
      const next = await t.contender()
      await t.trouble('loseReplies')
      // Nobody listens for longer, whatever the adapter does.
      await rejection(within(t.brief, 'an answer', dead.acquire()))
      await t.trouble('resume')
      assert.ok(await next.insist(t.expiry(), t.pause), `it is not replaced within ${t.expiry()} ms`)
    },
  },
  {
    title: 'a lost reply while waiting leaves no place in the queue behind',
    needs: [fault('loseReplies', 'resume')],
    async body(t) {
      const requestTimeout = t.brief
      const [first, second] = await t.pair()
      const lease = await first.acquire()
      assert.equal(await second.tryAcquire(), null)
      await t.trouble('loseReplies')
      const waiting = second.acquire({ requestTimeout, timeout: 5 * requestTimeout }).catch(() => null)
      await sleep(2 * requestTimeout)
      await t.trouble('resume')
      await (await waiting)?.release()
      await eventually('nobody waits', t.patience, async () => (await first.inspect()).waiters === 0)
      assert.equal(await lease.release(), true)
      await assertFree(t)
    },
  },
  {
    title: 'a lost reply of release frees the lock all the same',
    needs: [fault('loseReplies', 'resume')],
    async body(t) {
      const lock = await t.lock({ requestTimeout: t.vain })
      await warmUp(lock)
      const lease = await lock.acquire()
      await t.trouble('loseReplies')
      const first = await lease.release().catch((error: { code?: unknown }) => error.code)
      await t.trouble('resume')
      assert.ok(first === true || first === 'LOCK_BACKEND', `release answered ${String(first)}`)
      assert.equal(lease.held, false)
      assert.equal(await lease.release().catch((error: { code?: unknown }) => error.code), first)
      await assertFree(t)
    },
  },
  {
    title: 'a release that is cut off does not answer that the lock had been lost',
    needs: [fault('disconnect')],
    async body(t) {
      const [first, second] = await t.pair()
      for (let round = 0; round < 20; round += 1) {
        const lease = await recovers('the lock is granted', t.patience, () => first.tryAcquire())
        const releasing = lease.release().catch((error: { code?: unknown }) => error.code)
        await turns(round % 4)
        await t.trouble('disconnect')
        const answer = await releasing
        assert.ok(answer === true || answer === 'LOCK_BACKEND', `release answered ${String(answer)}`)
      }
      await recovers('the lock is free', t.patience, () => second.tryAcquire())
    },
  },
  {
    title: 'taking back is repeated until it has got through',
    needs: [fault('disconnect')],
    async body(t) {
      const [mine, others] = [t.options(await t.client()), t.options(await t.client())]
      for (const moment of [2, 3, 4, 6, 8]) {
        const names = Array.from({ length: 12 }, (_, index) => `${t.name}/${moment}/${index}`)
        const controller = new AbortController()
        const { signal } = controller
        const attempts = names.map((name) => new Lock(name, mine).tryAcquire({ signal }).catch(() => null))
        await turns(moment)
        controller.abort()
        await t.trouble('disconnect')
        for (const lease of await Promise.all(attempts)) await lease?.release().catch(() => false)
        const isFree = (name: string) => async () => {
          const lease = await new Lock(name, others).tryAcquire().catch(() => null)
          return (await lease?.release().catch(() => false)) !== undefined
        }
        await Promise.all(names.map((name) => eventually('no stray hold is left', t.patience, isFree(name))))
      }
    },
  },
  {
    title: 'a lost reply of a renewal does not end the lease: a later one succeeds',
    needs: [fault('loseReplies', 'resume')],
    async body(t) {
      const ttl = 1.5 * t.steady
      const [first, second] = await t.pair({ ttl })
      const lease = await first.acquire({ requestTimeout: ttl / 6 })
      await sleep(20)
      await t.trouble('loseReplies')
      await refused(lease.renew(), 'LOCK_BACKEND')
      assertHeld(lease)
      await sleep(ttl / 4)
      await t.trouble('resume')
      await sleep(ttl)
      assertHeld(lease)
      assert.equal(await second.tryAcquire(), null)
      assert.equal(await lease.release(), true)
    },
  },
  {
    title: 'a request that arrives after its sender gave up disturbs no later holder',
    needs: [fault('delayRequests', 'resume')],
    async body(t) {
      const requestTimeout = t.brief
      const [lock, other] = await t.pair()
      await warmUp(lock)
      await t.trouble('delayRequests', 3 * requestTimeout, 3 * requestTimeout)
      await refused(lock.tryAcquire({ requestTimeout }), 'LOCK_BACKEND')
      await t.trouble('resume')
      const lease = await other.acquire({ timeout: t.patience })
      await sleep(4 * requestTimeout)
      await lease.renew()
      assert.equal((await other.inspect()).holders.length, 1)
      assert.equal(await lease.release(), true)
      await assertFree(t)
    },
  },
  {
    title: 'requests that arrive late, of whatever step, leave nothing behind',
    needs: [fault('delayRequests', 'resume'), lateRefused],
    async body(t) {
      const requestTimeout = t.brief
      const mine = t.options(await t.client(), { requestTimeout })
      const others = t.options(await t.client())
      const names = Array.from({ length: 150 }, (_, index) => `${t.name}/${index}`)
      await t.trouble('delayRequests', 0, 2 * requestTimeout)
      const leases = await Promise.all(names.map((name) => new Lock(name, mine).tryAcquire().catch(() => null)))
      await t.trouble('resume')
      // So many at once may take a slow backend longer than that; what got no answer is taken back in the background.
      await Promise.all(leases.map((lease) => lease?.release().catch(() => false)))
      const take = (name: string) => new Lock(name, others).using(() => undefined, { timeout: t.patience })
      await Promise.all(names.filter((_, index) => index % 2 === 0).map(take))
      await sleep(5 * requestTimeout)
      await Promise.all(names.map(take))
    },
  },
  {
    title: 'what a request that arrives late takes ends with its ttl',
    needs: [fault('delayRequests', 'resume'), not(lateRefused)],
    async body(t) {
      const requestTimeout = t.brief
      const mine = t.options(await t.client(), { ttl: t.ttl, requestTimeout })
      const others = t.options(await t.client())
      const names = Array.from({ length: 40 }, (_, index) => `${t.name}/${index}`)
      await t.trouble('delayRequests', 0, 3 * requestTimeout)
      const leases = await Promise.all(names.map((name) => new Lock(name, mine).tryAcquire().catch(() => null)))
      await t.trouble('resume')
      await Promise.all(leases.map((lease) => lease?.release().catch(() => false)))
      await sleep(3 * requestTimeout)
      const take = (name: string) => new Lock(name, others).using(() => undefined, { timeout: t.expiry() })
      await Promise.all(names.map(take))
    },
  },
  {
    title: 'requests that hung and are carried out later leave nothing behind',
    needs: [fault('pause', 'resume'), lateRefused],
    async body(t) {
      const requestTimeout = t.brief
      const lock = await t.lock()
      await warmUp(lock)
      await t.trouble('pause')
      await refused(lock.tryAcquire({ requestTimeout }), 'LOCK_BACKEND')
      await sleep(requestTimeout)
      await t.trouble('resume')
      await assertFree(t)
    },
  },
]
