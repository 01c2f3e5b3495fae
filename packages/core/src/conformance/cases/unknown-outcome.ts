import assert from 'node:assert/strict'
import { Lock } from '../../index.ts'
import { busy, granted, refused, rejection } from '../expect.ts'
import type { Stage } from '../stage.ts'
import { fault, queue, type Theme, theme } from '../theme.ts'
import { eventually, now, sleep, turns } from '../time.ts'

/** So that what follows is one request, on a connection that stands. */
async function warmUp(lock: Lock): Promise<void> {
  await (await lock.acquire({ requestTimeout: 10_000 })).release()
}

function aborter(): { readonly signal: AbortSignal; readonly abort: () => void } {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort() }
}

/** The lock can be had at once by somebody else, long before the ttl of a stray hold would be over. */
async function assertFree(t: Stage): Promise<void> {
  const lease = await (await t.lock()).tryAcquire({ timeout: t.patience })
  assert.ok(lease, 'a stray hold was left behind')
  assert.equal(await lease.release(), true)
}

export const unknownOutcome: Theme = theme('unknown outcome', [
  {
    title: 'an acquire repeated with its token adopts the grant: one hold, one fencing token',
    async body(t) {
      const contender = await t.contender()
      const { fencingToken } = granted(await contender.acquire())
      assert.equal(granted(await contender.acquire()).fencingToken, fencingToken)
      const { holders } = await (await t.lock()).inspect()
      assert.deepEqual(
        holders.map(({ owner }) => owner),
        [contender.owner],
      )
      assert.equal(await contender.release(), true)
      await assertFree(t)
    },
  },
  {
    title: 'an acquire repeated with its token arms the ttl anew',
    async body(t) {
      const [first, second] = await t.contenders(2)
      assert.ok(first && second)
      granted(await first.acquire({ ttl: t.ttl }))
      await sleep(t.ttl / 2)
      const sent = now()
      granted(await first.acquire({ ttl: t.ttl }))
      assert.ok(await second.insist(t.expiry(), t.pause), 'it is never replaced')
      const took = now() - sent
      assert.ok(took >= t.ttl - t.capabilities.ttl.granularity, `replaced ${took} ms after the repetition`)
    },
  },
  {
    title: 'an acquire repeated with a shorter ttl does not shorten the hold',
    async body(t) {
      const [first, second] = await t.contenders(2)
      assert.ok(first && second)
      granted(await first.acquire({ ttl: t.long }))
      granted(await first.acquire({ ttl: t.ttl }))
      for (const started = now(); now() - started < 2 * t.ttl; await sleep(t.ttl / 4)) busy(await second.acquire())
      assert.equal(await first.release(), true)
    },
  },
  {
    title: 'an acquire repeated after its grant ran out is granted anew, for its whole ttl',
    async body(t) {
      const [first, second] = await t.contenders(2)
      assert.ok(first && second)
      const { key, patience: timeout } = t
      const { fencingToken } = granted(await first.acquire({ ttl: t.ttl }))
      for (const { backend } of [first, second]) await backend.inspect({ key, timeout })
      await sleep(t.expiry() - timeout + t.slack)
      const sent = now()
      const again = granted(await first.acquire({ ttl: t.ttl }))
      assert.ok(again.fencingToken >= fencingToken)
      assert.ok(await second.insist(t.expiry(), t.pause), 'it is never replaced')
      const took = now() - sent
      assert.ok(took >= t.ttl - t.capabilities.ttl.granularity, `replaced ${took} ms after the repetition`)
    },
  },
  {
    title: 'cancel takes back a grant',
    async body(t) {
      const contender = await t.contender()
      granted(await contender.acquire())
      await contender.cancel()
      await contender.cancel()
      assert.deepEqual(await contender.renew(), { outcome: 'lost' })
      await assertFree(t)
    },
  },
  {
    title: 'cancel gives up a place in the queue',
    needs: [queue],
    async body(t) {
      const [holder, quitter, next] = await t.contenders(3)
      assert.ok(holder && quitter && next)
      granted(await holder.acquire())
      busy(await quitter.enqueue())
      busy(await next.enqueue())
      await quitter.cancel()
      assert.equal((await (await t.lock()).inspect()).waiters, 1)
      assert.equal(await holder.release(), true)
      await eventually('the next in the queue is granted', t.patience, async () =>
        (await next.enqueue()).outcome === 'granted' ? true : null,
      )
    },
  },
  {
    title: 'cancel of a token that never asked changes nothing',
    async body(t) {
      const [holder, stranger] = await t.contenders(2)
      assert.ok(holder && stranger)
      await stranger.cancel()
      granted(await holder.acquire())
      await stranger.cancel()
      assert.equal((await holder.renew()).outcome, 'renewed')
    },
  },
  {
    title: 'cancel while the acquire is under way leaves nothing behind',
    async body(t) {
      const [client, other] = [await t.client(), await t.client()]
      for (let round = 0; round < 60; round += 1) {
        // What the client may remember of the lock is out of date then.
        if (round % 3 !== 0) {
          const before = await t.contender({}, other)
          granted(await before.acquire())
          await before.release()
        }
        const contender = await t.contender({}, client)
        const attempt = contender.acquire()
        // At the same moment the one may overtake the other; later, it finds the other half done.
        await turns(round % 2 === 0 ? 0 : round % 10)
        await Promise.allSettled([attempt, contender.cancel()])
        assert.deepEqual(await contender.renew(), { outcome: 'lost' })
      }
      await assertFree(t)
    },
  },
  {
    title: 'a lost reply of acquire leaves no hold behind',
    needs: [fault('loseReplies', 'resume')],
    async body(t) {
      const requestTimeout = t.brief
      const lock = await t.lock({ requestTimeout })
      await warmUp(lock)
      await t.trouble('loseReplies')
      await refused(lock.tryAcquire(), 'LOCK_BACKEND')
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
      await rejection(dead.acquire())
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
      const requestTimeout = t.brief
      const lock = await t.lock()
      await warmUp(lock)
      const lease = await lock.acquire({ requestTimeout })
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
        const lease = await eventually('the lock is granted', t.patience, () => first.tryAcquire().catch(() => null))
        const releasing = lease.release().catch((error: { code?: unknown }) => error.code)
        await turns(round % 4)
        await t.trouble('disconnect')
        const answer = await releasing
        assert.ok(answer === true || answer === 'LOCK_BACKEND', `release answered ${String(answer)}`)
      }
      await eventually('the lock is free', t.patience, () => second.tryAcquire().catch(() => null))
    },
  },
  {
    title: 'taking back is repeated until it has got through',
    needs: [fault('disconnect')],
    async body(t) {
      const [mine, others] = [t.options(await t.client()), t.options(await t.client())]
      for (const moment of [2, 3, 4, 6, 8]) {
        const names = Array.from({ length: 12 }, (_, index) => `${t.name}/${moment}/${index}`)
        const { signal, abort } = aborter()
        const attempts = names.map((name) => new Lock(name, mine).tryAcquire({ signal }).catch(() => null))
        await turns(moment)
        abort()
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
      assert.equal(lease.held, true)
      await sleep(ttl / 4)
      await t.trouble('resume')
      await sleep(ttl)
      assert.equal(lease.held, true)
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
    needs: [fault('delayRequests', 'resume')],
    async body(t) {
      const requestTimeout = t.brief
      const mine = t.options(await t.client(), { requestTimeout })
      const others = t.options(await t.client())
      const names = Array.from({ length: 40 }, (_, index) => `${t.name}/${index}`)
      await t.trouble('delayRequests', 0, 4 * requestTimeout)
      const leases = await Promise.all(names.map((name) => new Lock(name, mine).tryAcquire().catch(() => null)))
      await t.trouble('resume')
      await Promise.all(leases.map((lease) => lease?.release()))
      const take = (name: string) => new Lock(name, others).using(() => undefined, { timeout: t.patience })
      await Promise.all(names.filter((_, index) => index % 2 === 0).map(take))
      await sleep(5 * requestTimeout)
      await Promise.all(names.map(take))
    },
  },
  {
    title: 'requests that hung and are carried out later leave nothing behind',
    needs: [fault('pause', 'resume')],
    async body(t) {
      const requestTimeout = t.brief
      const lock = await t.lock({ requestTimeout })
      await warmUp(lock)
      await t.trouble('pause')
      await refused(lock.tryAcquire(), 'LOCK_BACKEND')
      await sleep(requestTimeout)
      await t.trouble('resume')
      await assertFree(t)
    },
  },
])
