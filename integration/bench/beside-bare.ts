// A backend beside the bare requests of its client, in one run: what the benchmarks of several backends have in common.
import { randomUUID } from 'node:crypto'
import { label, type Subject, type Taker } from './redis/contender.ts'
import { contend, type Kind, type Outcome } from './redis/contention.ts'
import { interleaved, median, medianRatio, table } from './redis/figures.ts'

/** A library that is ready. */
export interface Opened {
  readonly take: Taker
  close(): Promise<unknown>
}

/** The server, and what is compared on it: the first is the bare one. */
export interface Comparison {
  readonly host: string
  readonly subjects: readonly Subject[]
  /** How many requests the server has had. */
  readonly requests: () => Promise<number>
  readonly rounds: number
}

async function cycles({ take }: Opened, count: number): Promise<number> {
  const lock = take(`bench/${randomUUID()}`)
  const start = performance.now()
  for (let left = count; left > 0; left -= 1) await (await lock()).release()
  return (count / (performance.now() - start)) * 1_000
}

/** A free lock, one cycle after the other. Prints a table; resolves with what one made of it, beside the bare pair. */
export async function uncontended(
  { host, subjects, requests, rounds }: Comparison,
  open: (subject: Subject, host: string) => Promise<Opened>,
  { warmUp, count }: { readonly warmUp: number; readonly count: number },
): Promise<(one: Subject) => { readonly ofBare: number; readonly requests: number }> {
  const opened = new Map<Subject, Opened>()
  const rates = new Map<Subject, number[]>(subjects.map((one) => [one, []]))
  const sent = new Map<Subject, number>()
  try {
    for (const one of subjects) opened.set(one, await open(one, host))
    for (const [one, each] of opened) {
      await cycles(each, warmUp)
      const before = await requests()
      await cycles(each, 200)
      sent.set(one, ((await requests()) - before) / 200)
    }
    await interleaved([...opened], rounds, async ([one, each]) => {
      rates.get(one)?.push(await cycles(each, count))
    })
  } finally {
    for (const each of opened.values()) await each.close()
  }
  const [floor = []] = rates.values()
  const of = (one: Subject): { ofBare: number; requests: number } => ({
    ofBare: medianRatio(rates.get(one) ?? [], floor),
    requests: sent.get(one) ?? Number.NaN,
  })
  console.log(`\nA free lock: acquire and release, one after the other; medians of ${rounds} rounds of ${count} cycles`)
  const rows = subjects.map((one) => {
    const { ofBare, requests } = of(one)
    return [label(one), median(rates.get(one) ?? []).toFixed(0), ofBare.toFixed(2), requests.toFixed(2)]
  })
  console.log(table(['', 'cycles/s', 'of bare', 'requests/cycle'], rows))
  return of
}

export type Contended = Outcome & { readonly requests: number }

/** A lock that several processes want. Prints a table; resolves with a figure of one, of each round. */
export async function contended(
  { host, subjects, requests, rounds }: Comparison,
  kind: Kind,
  duration: number,
): Promise<(one: Subject, figure: (outcome: Contended) => number) => number[]> {
  const outcomes = new Map<Subject, Contended[]>(subjects.map((one) => [one, []]))
  const contention = { processes: 2, tasks: 8, hold: 1, away: 0, warmUp: 700, duration }
  await interleaved(subjects, rounds, async (one) => {
    const before = await requests()
    const outcome = await contend(one, host, contention, kind)
    // The warm-up's are among them, in proportion.
    const share = contention.duration / (contention.duration + contention.warmUp)
    const sent = ((await requests()) - before) * share
    outcomes.get(one)?.push({ ...outcome, requests: sent / outcome.sections })
  })
  const of = (one: Subject, figure: (outcome: Contended) => number): number[] => (outcomes.get(one) ?? []).map(figure)
  const rate = ({ perSecond }: Contended): number => perSecond
  const floor = of(subjects[0] as Subject, rate)
  const rows = subjects.map((one) => [
    label(one),
    median(of(one, rate)).toFixed(0),
    medianRatio(of(one, rate), floor).toFixed(2),
    `${median(of(one, ({ handOffP50 }) => handOffP50)).toFixed(2)} ms`,
    `${median(of(one, ({ longestWait }) => longestWait)).toFixed(0)} ms`,
    median(of(one, ({ requests }) => requests)).toFixed(2),
    median(of(one, ({ most, fewest }) => most / fewest)).toFixed(2),
    String(Math.max(...of(one, ({ overlaps }) => overlaps))),
  ])
  console.log('\nA lock that 2 processes of 8 tasks want, each for 1 ms; medians of the rounds')
  console.log(
    table(['', 'sections/s', 'of bare', 'hand-off p50', 'longest wait', 'requests', 'most/fewest', 'overlaps'], rows),
  )
  return of
}
