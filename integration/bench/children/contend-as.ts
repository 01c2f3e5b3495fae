// What the processes do that contend for one lock in a benchmark: tasks that take it, hold it and go away for a while.
import type { Subject, Taker } from '../redis/contender.ts'

/** All times are milliseconds on the monotonic clock of the host, which all processes share. */
export interface Order {
  readonly key: string
  readonly tasks: number
  /** Milliseconds: how long a task holds the lock, and stays away then. 0: without a turn of the event loop. */
  readonly hold: number
  readonly away: number
  /** From when on turns count, and until when. Before, the process warms up. */
  readonly from: number
  readonly until: number
}

/** What the tasks did from `from` to `until`. */
export interface Report {
  /** Of each turn: the task, and when it wanted the lock, had it and gave it back. */
  readonly turns: Float64Array
  /** Of each turn, or empty if the library has none. */
  readonly fencingTokens: BigInt64Array
  /** Tasks that got the lock while another one of this process held it. */
  readonly overlaps: number
  /** For how long each task that was still waiting at the end had waited. */
  readonly waiting: readonly number[]
  /** Milliseconds of this process on a CPU. */
  readonly cpu: number
}

/** What to add to `performance.now`, which is cheap to read, for the clock that the processes share. */
function clockOffset(): number {
  let best = { offset: 0, spread: Number.POSITIVE_INFINITY }
  // The closest two readings of many count: the process may lose its CPU between any two.
  for (let count = 0; count < 100; count += 1) {
    const before = performance.now()
    const shared = Number(process.hrtime.bigint()) / 1e6
    const spread = performance.now() - before
    if (spread < best.spread) best = { offset: shared - before, spread }
  }
  return best.offset
}

const offset = clockOffset()
const now = (): number => performance.now() + offset
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)))

async function work(take: Taker, { key, tasks, hold, away, from, until }: Order): Promise<Report> {
  const turns: number[] = []
  const fencingTokens: bigint[] = []
  let inside = 0
  let overlaps = 0
  const wants = Array.from({ length: tasks }, () => 0)
  async function task(index: number): Promise<void> {
    const lock = take(key)
    for (let wanted = now(); wanted < until; wanted = now()) {
      wants[index] = wanted
      const held = await lock()
      const granted = now()
      if (inside > 0) overlaps += 1
      inside += 1
      await (hold > 0 ? sleep(hold) : undefined)
      inside -= 1
      const released = now()
      wants[index] = 0
      if (granted >= from && released < until) {
        turns.push(index, wanted, granted, released)
        if (held.fencingToken !== undefined) fencingTokens.push(held.fencingToken)
      }
      await held.release()
      if (away > 0) await sleep(away)
    }
  }
  for (let index = 0; index < tasks; index += 1)
    task(index).catch((error: unknown) => {
      console.error(error)
      process.exit(1)
    })
  await sleep(from - now())
  const before = process.cpuUsage()
  await sleep(until - now())
  const { user, system } = process.cpuUsage(before)
  const waiting = wants.filter((wanted) => wanted > 0).map((wanted) => now() - wanted)
  return {
    turns: Float64Array.from(turns),
    fencingTokens: BigInt64Array.from(fencingTokens),
    overlaps,
    waiting,
    cpu: (user + system) / 1_000,
  }
}

/** Says `ready` to its parent, gets an Order, answers with a Report and ends. */
export async function contendAs(
  open: (subject: Subject, url: string) => Promise<{ readonly take: Taker }>,
): Promise<void> {
  const [, , subject = '', url = ''] = process.argv
  const { take } = await open(JSON.parse(subject) as Subject, url)
  process.once('disconnect', () => process.exit())
  process.once('message', async (order: Order) => {
    const report = await work(take, order)
    process.send?.(report, undefined, undefined, () => process.exit())
  })
  process.send?.('ready')
}
