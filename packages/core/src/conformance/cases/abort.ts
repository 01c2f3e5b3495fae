import assert from 'node:assert/strict'
import { Lock } from '../../index.ts'
import { assertHeld, counted, rejection } from '../expect.ts'
import type { Stage } from '../stage.ts'
import { fault, lateRefused, queue, type Theme, theme } from '../theme.ts'
import { eventually, later, now, sleep, turns, within } from '../time.ts'

const LIMIT = 20

/** Aborts, and says how many milliseconds later the wait ended. It must have ended with the signal's reason. */
async function abortOnce(acquire: (signal: AbortSignal) => Promise<unknown>, after: number): Promise<number> {
  const controller = new AbortController()
  const reason = new Error('changed my mind')
  let ended = 0
  const work = rejection(acquire(controller.signal)).finally(() => {
    ended = now()
  })
  await sleep(after)
  const aborted = now()
  controller.abort(reason)
  assert.equal(await within(5_000, 'the wait ends', work), reason)
  return ended - aborted
}

/** The quickest of a few tries: a busy machine delays single ones. */
async function endsInTime(acquire: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  let best = Number.POSITIVE_INFINITY
  for (let tries = 0; tries < 5 && best > LIMIT; tries += 1) best = Math.min(best, await abortOnce(acquire, 30))
  assert.ok(best <= LIMIT, `the wait ended ${best} ms after the abort`)
}

async function assertFree(t: Stage): Promise<void> {
  const lease = await (await t.lock()).tryAcquire({ timeout: t.patience })
  assert.ok(lease, 'a stray hold was left behind')
  await lease.release()
}

export const abort: Theme = theme('abort', [
  {
    title: "aborting ends a wait within 20 ms, with the signal's reason",
    async body(t) {
      const [first, second] = await t.pair()
      await first.acquire()
      await endsInTime((signal) => second.acquire({ signal }))
      await endsInTime((signal) => second.tryAcquire({ signal, timeout: 10_000 }))
      await endsInTime((signal) => second.using(() => undefined, { signal }))
    },
  },
  {
    title: 'aborting ends a wait within 20 ms though the backend hangs',
    needs: [fault('pause', 'resume')],
    async body(t) {
      const lock = await t.lock()
      await t.trouble('pause')
      await endsInTime((signal) => lock.acquire({ signal }))
      await endsInTime((signal) => lock.tryAcquire({ signal }))
    },
  },
  {
    title: 'a signal that was aborted before rejects at once, and nothing is sent',
    async body(t) {
      const { backend, calls } = counted(await t.client())
      const lock = new Lock(t.name, t.options(backend))
      const signal = AbortSignal.abort('no')
      assert.equal(await rejection(lock.acquire({ signal })), 'no')
      assert.equal(await rejection(lock.tryAcquire({ signal })), 'no')
      assert.equal(await rejection(lock.using(() => undefined, { signal })), 'no')
      assert.equal(calls(), 0)
    },
  },
  {
    title: 'the queue place of an aborted wait is gone: the next waiter gets the lock',
    needs: [queue],
    async body(t) {
      const [first, second] = await t.pair()
      const third = await t.lock()
      const lease = await first.acquire()
      const controller = new AbortController()
      const quitter = later(rejection(second.acquire({ signal: controller.signal })))
      await eventually('it waits', t.patience, async () => (await first.inspect()).waiters === 1)
      const waiting = later(third.acquire())
      await eventually('both wait', t.patience, async () => (await first.inspect()).waiters === 2)
      controller.abort()
      await quitter
      await eventually('one waits', t.patience, async () => (await first.inspect()).waiters === 1)
      const released = now()
      await lease.release()
      assertHeld(await waiting)
      assert.ok(now() - released < t.patience, `it took ${now() - released} ms`)
    },
  },
  {
    title: 'attempts that are aborted under way leave no hold behind, however far they have got',
    needs: [lateRefused],
    async body(t) {
      const [mine, others] = [t.options(await t.client()), t.options(await t.client())]
      const names = Array.from({ length: 60 }, (_, index) => `${t.name}/${index}`)
      const random = t.chance('moments')
      const abortOne = async (name: string, index: number): Promise<void> => {
        const controller = new AbortController()
        const attempt = new Lock(name, mine).acquire({ signal: controller.signal }).catch(() => null)
        await (index % 3 === 0 ? sleep(2 * t.pause * random.next()) : turns(index % 20))
        controller.abort()
        await (await attempt)?.release()
      }
      await Promise.all(names.map(abortOne))
      const take = (name: string) => new Lock(name, others).using(() => undefined, { timeout: t.patience })
      await Promise.all(names.map(take))
    },
  },
  {
    title: 'a request that is under way when its acquire is aborted leaves no hold behind',
    needs: [fault('delayRequests', 'resume'), lateRefused],
    async body(t) {
      const lock = await t.lock()
      await (await lock.acquire()).release()
      await t.trouble('delayRequests', 2 * t.brief, 2 * t.brief)
      await abortOnce((signal) => lock.acquire({ signal }), t.brief / 4)
      await t.trouble('resume')
      await sleep(3 * t.brief)
      await assertFree(t)
    },
  },
  {
    title: 'a wait that timed out leaves no hold and no place behind',
    async body(t) {
      const [first, second] = await t.pair()
      const lease = await first.acquire()
      assert.equal(await second.tryAcquire({ timeout: t.vain }), null)
      await eventually('nobody waits', t.patience, async () => (await first.inspect()).waiters === 0)
      await lease.release()
      await assertFree(t)
    },
  },
  {
    title: 'aborting while holding does nothing to the lease',
    async body(t) {
      const [first, second] = await t.pair({ ttl: t.steady })
      const controller = new AbortController()
      const lease = await first.acquire({ signal: controller.signal })
      controller.abort()
      await sleep(1.3 * t.steady)
      assertHeld(lease)
      assert.equal(lease.signal.aborted, false)
      assert.equal(await second.tryAcquire(), null)
      assert.equal(await lease.release(), true)
    },
  },
])
