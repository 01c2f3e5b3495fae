// Processes that contend for one lock, and what comes of it.
import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type { Order, Report } from '../children/contend-as.ts'
import type { Subject } from './contender.ts'
import { quantile } from './figures.ts'

export interface Contention {
  readonly processes: number
  /** In each process. */
  readonly tasks: number
  readonly hold: number
  readonly away: number
  readonly warmUp: number
  readonly duration: number
}

interface Turn {
  readonly waiter: string
  readonly wanted: number
  readonly granted: number
  readonly released: number
  readonly fencingToken: bigint | undefined
}

export interface Outcome {
  readonly sections: number
  readonly perSecond: number
  /** Milliseconds from one holder's last instant to the first of another, who had been waiting; NaN: there was none. */
  readonly handOffP50: number
  readonly handOffP99: number
  /** The share of turns that went to another waiter than the one before. */
  readonly toAnother: number
  readonly longestWait: number
  readonly most: number
  readonly fewest: number
  /** Milliseconds on a CPU for one section, of all processes together. */
  readonly cpu: number
  /** Turns that began while another one lasted. */
  readonly overlaps: number
  /** Turns whose fencing token was not higher than the one before. */
  readonly disordered: number
  /** The measured time, on the clock of `Date.now`. */
  readonly from: number
  readonly until: number
}

export type Kind = 'redis' | 'etcd' | 'memcached'

/** The program of a contending process. */
const scriptOf = (kind: Kind): string => fileURLToPath(new URL(`../children/${kind}-contender.ts`, import.meta.url))
const LATE = 30_000

const now = (): number => Number(process.hrtime.bigint()) / 1e6

interface Contender {
  readonly ready: Promise<unknown>
  report(order: Order): Promise<Report>
  end(): void
}

function start(subject: Subject, url: string, kind: Kind): Contender {
  const child = fork(scriptOf(kind), [JSON.stringify(subject), url], { serialization: 'advanced' })
  const answer = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('a contender did not answer')), LATE)
      const ended = (code: number | null): void => reject(new Error(`a contender ended with ${code}`))
      child.once('exit', ended).once('message', (message) => {
        clearTimeout(timer)
        child.off('exit', ended)
        resolve(message)
      })
    })
  return {
    ready: answer(),
    report: (order) => {
      const report = answer() as Promise<Report>
      child.send(order)
      return report
    },
    end: () => void child.kill('SIGKILL'),
  }
}

function turnsOf(reports: readonly Report[]): Turn[] {
  const turns = reports.flatMap(({ turns: flat, fencingTokens }, process) =>
    Array.from({ length: flat.length / 4 }, (_, index) => {
      const [task, wanted = 0, granted = 0, released = 0] = flat.subarray(4 * index)
      return { waiter: `${process}:${task}`, wanted, granted, released, fencingToken: fencingTokens[index] }
    }),
  )
  return turns.sort((a, b) => a.granted - b.granted)
}

function summary(reports: readonly Report[], { processes, tasks, duration }: Contention, from: number): Outcome {
  const turns = turnsOf(reports)
  const perWaiter = new Map<string, number>()
  const handOffs: number[] = []
  let toAnother = 0
  let overlaps = 0
  let free = 0
  let disordered = 0
  let longestWait = Math.max(0, ...reports.flatMap(({ waiting }) => waiting))
  for (const [index, turn] of turns.entries()) {
    perWaiter.set(turn.waiter, (perWaiter.get(turn.waiter) ?? 0) + 1)
    longestWait = Math.max(longestWait, turn.granted - turn.wanted)
    if (turn.granted < free) overlaps += 1
    free = Math.max(free, turn.released)
    const last = turns[index - 1]
    if (last === undefined) continue
    if (turn.fencingToken !== undefined && turn.fencingToken <= (last.fencingToken ?? 0n)) disordered += 1
    if (turn.waiter === last.waiter) continue
    toAnother += 1
    if (turn.wanted <= last.released) handOffs.push(turn.granted - last.released)
  }
  const counts = [...perWaiter.values()]
  const wall = Date.now() - now()
  return {
    sections: turns.length,
    perSecond: (turns.length / duration) * 1_000,
    handOffP50: quantile(handOffs, 0.5),
    handOffP99: quantile(handOffs, 0.99),
    toAnother: toAnother / (turns.length - 1),
    longestWait,
    most: Math.max(0, ...counts),
    fewest: counts.length < processes * tasks ? 0 : Math.min(...counts),
    cpu: reports.reduce((sum, { cpu }) => sum + cpu, 0) / turns.length,
    // Those within a process show even where the clock is too coarse.
    overlaps: Math.max(overlaps, ...reports.map((report) => report.overlaps)),
    disordered,
    from: from + wall,
    until: from + duration + wall,
  }
}

/** One run in fresh processes, of which none is left. */
export async function contend(
  subject: Subject,
  url: string,
  contention: Contention,
  kind: Kind = 'redis',
): Promise<Outcome> {
  const { processes, tasks, hold, away, warmUp, duration } = contention
  const contenders = Array.from({ length: processes }, () => start(subject, url, kind))
  try {
    await Promise.all(contenders.map(({ ready }) => ready))
    const from = now() + warmUp
    const order = { key: `bench:${randomUUID()}`, tasks, hold, away, from, until: from + duration }
    const reports = await Promise.all(contenders.map(({ report }) => report(order)))
    return summary(reports, contention, from)
  } finally {
    for (const contender of contenders) contender.end()
  }
}
