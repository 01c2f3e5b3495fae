import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { createLocks, Lock, type Runtime, systemRuntime } from '../../index.ts'
import { assertHeld, refused, wrapped } from '../expect.ts'
import type { Stage } from '../stage.ts'
import { list, type Theme, theme } from '../theme.ts'
import { eventually, later, sleep } from '../time.ts'

/** What keeps the process alive now, by type: `Timeout`, `TCPSocketWrap`, … */
function resources(): Map<string, number> {
  const counts = new Map<string, number>()
  for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1)
  return counts
}

const added = (before: Map<string, number>): string[] =>
  [...resources()].flatMap(([type, count]) => (count > (before.get(type) ?? 0) ? [type] : []))

/** The system's runtime, and how many of its timers are pending. */
function countedRuntime(): { readonly runtime: Runtime; readonly pending: () => number } {
  const timers = new Set<object>()
  const runtime: Runtime = {
    ...systemRuntime,
    setTimer(delay, callback, keepAlive) {
      const timer = systemRuntime.setTimer(
        delay,
        () => {
          timers.delete(timer)
          callback()
        },
        keepAlive,
      )
      timers.add(timer)
      return {
        cancel: () => {
          timers.delete(timer)
          timer.cancel()
        },
        keepAlive: (on) => timer.keepAlive(on),
      }
    },
  }
  return { runtime, pending: () => timers.size }
}

/** A bit of everything: holding, waiting, giving up, timing out, being broken, running out. */
async function busyLife(t: Stage, first: Lock, second: Lock): Promise<void> {
  const lease = await first.acquire()
  assert.equal(await second.tryAcquire({ timeout: t.vain }), null)
  await assert.rejects(second.acquire({ signal: AbortSignal.timeout(20) }))
  const waiting = later(second.acquire())
  await lease.release()
  const next = await waiting
  await next.renew()
  await first.forceRelease()
  await next.release()
  const short = await first.acquire({ ttl: t.ttl, autoRenew: false, timeout: t.patience })
  await sleep(t.ttl + 20)
  await short.release()
  await second.using(() => undefined, { timeout: t.expiry() })
}

export const residue: Theme = theme('residue', [
  {
    title: 'after release and close nothing of the backend keeps the process alive',
    async body(t) {
      // What all clients may share is there from now on.
      await createLocks({ backend: await t.client() }).close()
      const before = resources()
      const backends = [await t.client(), await t.client()]
      const [first, second] = backends.map((backend) => new Lock(t.name, t.options(backend)))
      assert.ok(first && second)
      await busyLife(t, first, second)
      for (const backend of backends) await createLocks({ backend }).close()
      await eventually('what was opened is closed', t.patience, () => added(before).length === 0).catch(() => {
        assert.fail(`left behind: ${added(before).join(', ')}`)
      })
    },
  },
  {
    title: 'after release and close no timer of the locks is left',
    async body(t) {
      const { runtime, pending } = countedRuntime()
      const backends = [await t.client(), await t.client()].map((backend) => wrapped(backend, { runtime }))
      const [first, second] = backends.map((backend) => new Lock(t.name, t.options(backend)))
      assert.ok(first && second)
      await busyLife(t, first, second)
      for (const backend of backends) await createLocks({ backend }).close()
      await eventually('no timer is left', t.patience, () => pending() === 0)
    },
  },
  {
    title: 'nothing that was promised is rejected without anybody to hear it',
    async body(t) {
      const unheard: unknown[] = []
      const hear = (reason: unknown): void => {
        unheard.push(reason)
      }
      process.on('unhandledRejection', hear)
      try {
        const [first, second] = await t.pair()
        await busyLife(t, first, second)
        await first.acquire({ timeout: t.patience })
        const waiting = later(refused(second.acquire(), 'LOCK_BACKEND'))
        await sleep(t.brief / 4)
        await t.close()
        await waiting
        await sleep(20)
      } finally {
        process.off('unhandledRejection', hear)
      }
      assert.deepEqual(unheard, [])
    },
  },
  {
    title: 'a held lease does not keep the process alive by a timer',
    async body(t) {
      const lock = await t.lock()
      const before = resources().get('Timeout') ?? 0
      await (await lock.acquire()).release()
      const lease = await lock.acquire()
      const none = (): boolean => (resources().get('Timeout') ?? 0) <= before
      await eventually('no timer is left', t.patience, none)
      // Nor does one come later.
      await sleep(1_100)
      await eventually('no timer has come', t.patience, none)
      assertHeld(lease)
    },
  },
  {
    title: "no listener stays on the caller's signal once the wait is over",
    async body(t) {
      const [first, second] = await t.pair()
      const { signal } = new AbortController()
      const lease = await first.acquire({ signal })
      assert.equal(await second.tryAcquire({ signal }), null)
      assert.equal(await second.tryAcquire({ signal, timeout: t.vain }), null)
      const waiting = later(second.acquire({ signal }))
      await lease.release()
      await waiting
      assert.equal(getEventListeners(signal, 'abort').length, 0)
    },
  },
  {
    title: 'names that nobody uses any more are not listed',
    needs: [list],
    async body(t) {
      const locks = createLocks(t.options(await t.client()))
      const names = Array.from({ length: 20 }, (_, index) => `${t.name}/${index}`)
      await Promise.all(names.map((name) => locks.using(name, () => undefined)))
      assert.deepEqual(await locks.list(`${t.name}/`), [])
    },
  },
  {
    title: 'close ends what waits with LOCK_BACKEND, and frees what is held',
    async body(t) {
      const backend = await t.client()
      const lock = new Lock(t.name, t.options(backend))
      const lease = await lock.acquire()
      const waiting = later(refused(lock.acquire(), 'LOCK_BACKEND'))
      await sleep(20)
      await createLocks({ backend }).close()
      await waiting
      assert.equal(lease.held, false)
      assert.ok(await (await t.lock()).tryAcquire({ timeout: t.patience }))
    },
  },
  {
    title: 'a closed client answers LOCK_BACKEND, not that the lock is free or held; closing again is harmless',
    async body(t) {
      const backend = await t.client()
      const lock = new Lock(t.name, t.options(backend))
      await (await lock.acquire()).release()
      await backend.close()
      await backend.close()
      await refused(lock.tryAcquire(), 'LOCK_BACKEND')
      await refused(lock.locked(), 'LOCK_BACKEND')
    },
  },
])
