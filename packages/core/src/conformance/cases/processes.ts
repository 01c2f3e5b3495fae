import assert from 'node:assert/strict'
import type { LeaseMode } from '../../backend.ts'
import { type Lock, ReadWriteLock, Semaphore } from '../../index.ts'
import { assertHeld } from '../expect.ts'
import type { ConformanceProcess } from '../processes/process.ts'
import type { Random } from '../random.ts'
import type { Stage } from '../stage.ts'
import { mode, processes as module, type Need, offered, queue, shareable, type Theme, theme } from '../theme.ts'
import { eventually, later, sleep, within } from '../time.ts'

const PROCESSES = 3
const ROUNDS = 4
/** A dead waiter's place, and a grant to it, may last this long. */
const DEAD_WAITER = 10_000

const several: readonly Need[] = [shareable, module]
const signals: Need = offered('signals to stop a process', () => process.platform !== 'win32')

interface Contest {
  readonly modes: readonly LeaseMode[]
  readonly permits?: number
  readonly trouble: 'none' | 'stopped' | 'killed'
}

/** Processes contend, some of them are stopped or killed meanwhile; afterwards the lock can be had. */
async function contest(t: Stage, { modes, permits = 1, trouble }: Contest): Promise<void> {
  const random = t.chance('trouble')
  t.history.permits = permits
  const ttl = t.steady
  const contention = (): Parameters<ConformanceProcess['contend']>[0] => ({
    ...t.usage({ ttl, timeout: ttl, requestTimeout: t.patience }),
    modes,
    permits,
    tasks: 2,
    hold: ttl / 2,
    seed: Math.floor(random.next() * 2 ** 31),
  })
  const join = async (): Promise<ConformanceProcess> => {
    const wanted = contention()
    const joining = await t.process()
    await joining.contend(wanted)
    return joining
  }
  const running = await Promise.all(Array.from({ length: PROCESSES }, join))
  for (let round = 0; round < (trouble === 'none' ? 1 : ROUNDS); round += 1) {
    // Every other time for longer than a hold lasts.
    const pause = ttl * (0.2 + random.next() / 2 + (round % 2 === 0 ? 1 : 0))
    if (trouble === 'stopped') {
      const victim = running[victimOf(t, random, running)] as ConformanceProcess
      victim.stop()
      await sleep(pause)
      victim.go()
    } else await sleep(pause)
    if (trouble === 'killed') {
      const index = victimOf(t, random, running)
      await running[index]?.kill()
      running[index] = await join()
    }
  }
  await eventually('every process gets its turn', t.expiry(ttl) + DEAD_WAITER, () =>
    running.every(({ who }) => t.history.holdings.some((holding) => holding.who.startsWith(who))),
  )
  await Promise.all(running.map((one) => one.rest()))
  await takeEach(t, modes, permits)
}

/** One who holds, if there is one: that is where trouble tells. */
function victimOf({ history }: Stage, random: Random, running: readonly ConformanceProcess[]): number {
  const holding = history.holdings.findLast(({ end }) => end === undefined)
  const index = running.findIndex(({ who }) => holding?.who.startsWith(who))
  return index < 0 ? Math.floor(random.next() * running.length) : index
}

async function takeEach(t: Stage, modes: readonly LeaseMode[], permits: number): Promise<void> {
  const options = t.options(await t.client())
  const { read, write } = new ReadWriteLock(t.name, options)
  for (const wanted of modes) {
    const lock = wanted === 'semaphore' ? new Semaphore(t.name, permits, options) : wanted === 'shared' ? read : write
    await lock.using(() => undefined, { timeout: t.expiry(t.steady) + DEAD_WAITER })
  }
}

/** How many wait in the backend's queue. */
const waiters = (t: Stage, lock: Lock, count: number): Promise<unknown> =>
  eventually(`${count} wait`, t.patience, async () => (await lock.inspect()).waiters === count)

/** It ends by itself, and well. */
async function assertEnds(t: Stage, one: ConformanceProcess, keeping: readonly string[]): Promise<void> {
  const hint = keeping.length === 0 ? '' : `; what was open at last: ${[...new Set(keeping)].join(', ')}`
  const { code, signal } = await within(t.patience, `the process ends by itself${hint}`, one.ended)
  assert.deepEqual({ code, signal }, { code: 0, signal: null })
}

const contests: Theme['cases'] = (['stopped', 'killed'] as const).flatMap((trouble) => {
  const meanwhile = { stopped: 'while some are stopped and go on', killed: 'while some are killed' }[trouble]
  const needs = [...several, signals]
  return [
    {
      title: `processes never hold at once, and tokens rise, ${meanwhile}`,
      needs,
      async body(t: Stage) {
        await contest(t, { modes: ['exclusive'], trouble })
        t.history.assertRising()
      },
    },
    {
      title: `a writer of one process never holds beside readers of others ${meanwhile}`,
      needs: [...needs, mode('shared')],
      body: (t: Stage) => contest(t, { modes: ['exclusive', 'shared'], trouble }),
    },
    {
      title: `no permit is given to two processes ${meanwhile}`,
      needs: [...needs, mode('semaphore')],
      body: (t: Stage) => contest(t, { modes: ['semaphore'], permits: 2, trouble }),
    },
  ]
})

export const processes: Theme = theme('processes', [
  {
    title: 'a lock that is held here is held for another process, and the reverse',
    needs: several,
    async body(t) {
      const [here, other] = [await t.lock(), await t.process()]
      const lease = await here.acquire()
      const advice = "does the target's connect() lead to the same storage in each process that imports its module?"
      assert.equal(
        await other.locked(t.usage()),
        true,
        `a process of its own does not see the hold of this one: ${advice}`,
      )
      await lease.release()
      const token = await other.acquire(t.usage())
      assert.ok(token > lease.fencingToken, `fencing token ${token} was granted after ${lease.fencingToken}`)
      assert.equal(await here.tryAcquire(), null)
      assert.equal(await other.release(), true)
    },
  },
  {
    title: 'processes never hold at once, and tokens rise',
    needs: several,
    async body(t) {
      await contest(t, { modes: ['exclusive'], trouble: 'none' })
      t.history.assertRising()
    },
  },
  ...contests,
  {
    title: 'a holder that was stopped for longer than its ttl finds its lease lost, and leaves its successor alone',
    needs: [...several, signals],
    async body(t) {
      const [here, other] = [await t.lock(), await t.process()]
      await other.acquire(t.usage({ ttl: t.ttl }))
      other.stop()
      const lease = await here.acquire({ timeout: t.expiry() })
      // Asked while it stands still: to answer is the first that it does.
      const sight = later(other.held())
      other.go()
      assert.equal(await sight, false)
      assert.equal(await other.release(), false)
      await sleep(t.brief)
      await lease.renew()
      assert.equal(await lease.release(), true)
    },
  },
  {
    title: 'a holder whose process was killed is replaced by who waits, as soon as is declared',
    needs: [...several, signals],
    async body(t) {
      const [here, other] = [await t.lock(), await t.process()]
      const atOnce = t.capabilities.guarantee.deadHolder === 'at once'
      await other.acquire(t.usage({ ttl: atOnce ? t.long : t.ttl }))
      const waiting = later(here.acquire())
      await sleep(t.brief)
      await other.kill()
      const lease = await within(atOnce ? t.patience : t.expiry(), 'the lock is had again', waiting)
      assertHeld(lease)
    },
  },
  {
    title: 'waiters of different processes are served in the order of their arrival',
    needs: [...several, queue],
    async body(t) {
      const here = await t.lock()
      const lease = await here.acquire()
      const others = await t.processes(3)
      const turns = []
      for (const [index, other] of others.entries()) {
        turns.push(later(other.acquire(t.usage()).then(() => other.release())))
        await waiters(t, here, index + 1)
      }
      await lease.release()
      await Promise.all(turns)
      const served = t.history.holdings.toSorted((a, b) => a.from - b.from).map(({ who }) => who)
      assert.deepEqual(
        served,
        others.map(({ who }) => who),
      )
    },
  },
  {
    title: 'a waiter whose process was killed is skipped',
    needs: [...several, signals, queue],
    async body(t) {
      const here = await t.lock()
      const lease = await here.acquire()
      const [dead, next] = [await t.process(), await t.process()]
      void later(dead.acquire(t.usage({ ttl: t.ttl })))
      await waiters(t, here, 1)
      const waiting = later(next.acquire(t.usage()))
      await eventually('both wait, or the dead is gone', t.patience, async () => (await here.inspect()).waiters >= 2)
      await dead.kill()
      await lease.release()
      await within(DEAD_WAITER + t.patience, 'the next one is served', waiting)
    },
  },
  {
    title: 'a lease detached in one process goes on in another, and nobody gets in between',
    needs: several,
    async body(t) {
      const [here, other] = [await t.lock({ ttl: t.steady }), await t.process()]
      const token = await other.acquire(t.usage({ ttl: t.steady }))
      const rival = later(here.acquire())
      const json = await other.detach()
      const next = await t.process()
      assert.equal(await next.attach(json), token)
      await assert.rejects(other.attach(json), { code: 'LOCK_LOST' })
      await sleep(t.steady)
      assert.equal(await next.held(), true)
      assert.equal(await next.release(), true)
      assert.ok((await rival).fencingToken > token)
    },
  },
  {
    title: 'a process ends by itself after release and close',
    needs: several,
    async body(t) {
      const other = await t.process()
      await other.acquire(t.usage())
      await other.release()
      await other.close()
      await assertEnds(t, other, await other.leave())
    },
  },
  {
    title: 'a held lease does not keep its process up',
    needs: several,
    async body(t) {
      const other = await t.process()
      await other.acquire(t.usage({ ttl: t.steady }))
      await sleep(t.steady)
      await assertEnds(t, other, await other.leave())
    },
  },
  {
    title: 'a pending acquire keeps its process up until it is granted',
    needs: several,
    async body(t) {
      const [here, other] = [await t.lock(), await t.process()]
      const lease = await here.acquire()
      void later(other.acquire(t.usage()))
      await sleep(t.brief)
      const keeping = await other.leave()
      await sleep(t.brief)
      await lease.release()
      await assertEnds(t, other, keeping)
      assert.equal(t.history.holdings.length, 1, 'the process ended without having got the lock')
    },
  },
])
