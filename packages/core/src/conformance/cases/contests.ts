import { type LeaseMode, ReadWriteLock, Semaphore } from '../../index.ts'
import type { Holding } from '../history.ts'
import type { ConformanceProcess } from '../processes/process.ts'
import type { Random } from '../random.ts'
import type { Stage } from '../stage.ts'
import { type CaseDefinition, mode, processes as module, type Need, offered, shareable } from '../theme.ts'
import { eventually, sleep } from '../time.ts'

const PROCESSES = 3
const ROUNDS = 4
/** A dead waiter's place, and a grant to it, may last this long. */
export const DEAD_WAITER: number = 10_000

export const several: readonly Need[] = [shareable, module]
export const signals: Need = offered('signals to stop a process', () => process.platform !== 'win32')

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
  await eventually('every process gets its turn', t.expiry(ttl) + DEAD_WAITER, () => {
    for (const one of running) one.assertRunning()
    return running.every(({ who }) => t.history.holdings.some((holding) => isOf(holding, who)))
  })
  await Promise.all(running.map((one) => one.rest()))
  await takeEach(t, modes, permits)
}

/** Whether a task of this process held. */
const isOf = (holding: Holding, who: string): boolean => holding.who.replace(/[a-z]$/, '') === who

/** One who holds, if there is one: that is where trouble tells. */
function victimOf({ history }: Stage, random: Random, running: readonly ConformanceProcess[]): number {
  const holding = history.holdings.findLast(({ end }) => end === undefined)
  const index = running.findIndex(({ who }) => holding !== undefined && isOf(holding, who))
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

const troubled: readonly CaseDefinition[] = (['stopped', 'killed'] as const).flatMap((trouble) => {
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

/** Processes contend. */
export const contests: readonly CaseDefinition[] = [
  {
    title: 'processes never hold at once, and tokens rise',
    needs: several,
    async body(t) {
      await contest(t, { modes: ['exclusive'], trouble: 'none' })
      t.history.assertRising()
    },
  },
  ...troubled,
]
