// W1 and W2: locks that nobody else wants, one after the other and many at a time.
import { randomUUID } from 'node:crypto'
import { bestSettings, label, type Subject } from './contender.ts'
import { interleaved, median, medianRatio, table, verdict } from './figures.ts'
import { BARE, type Opened, OURS, open } from './open.ts'
import { requestsDuring } from './requests.ts'

const COUNTED = 200
/** Cycles before anything is measured: until the just-in-time compiler has done its work. */
const WARM_UP = 8_000
const TASKS = 64

/** Cycles of one task; resolves with the milliseconds of each. */
async function cycles({ take }: Opened, count: number): Promise<number[]> {
  const lock = take(`bench:${randomUUID()}`)
  const times: number[] = []
  for (let left = count; left > 0; left -= 1) {
    const start = performance.now()
    const held = await lock()
    await held.release()
    times.push(performance.now() - start)
  }
  return times
}

async function withAll<T>(
  subjects: readonly Subject[],
  url: string,
  body: (opened: Map<Subject, Opened>) => Promise<T>,
): Promise<T> {
  const opened = new Map<Subject, Opened>()
  try {
    for (const subject of subjects) opened.set(subject, await open(subject, url))
    return await body(opened)
  } finally {
    for (const each of opened.values()) await each.close()
  }
}

const listsFor = (subjects: readonly Subject[]): Map<Subject, number[]> => new Map(subjects.map((each) => [each, []]))

export async function sequential(
  subjects: readonly Subject[],
  url: string,
  rounds: number,
  count = 400,
): Promise<void> {
  const rates = listsFor(subjects)
  const p50s = listsFor(subjects)
  const requests = new Map<Subject, number>()
  await withAll(subjects, url, async (opened) => {
    for (const [subject, each] of opened) {
      await cycles(each, WARM_UP)
      const sent = await requestsDuring(url, () => cycles(each, COUNTED))
      requests.set(subject, sent.length / COUNTED)
    }
    await interleaved([...opened], rounds, async ([subject, each]) => {
      const start = performance.now()
      const times = await cycles(each, count)
      rates.get(subject)?.push((count / (performance.now() - start)) * 1_000)
      p50s.get(subject)?.push(median(times))
    })
  })
  const floor = rates.get(subjects.find(({ name }) => name === BARE) as Subject) ?? []
  const rows = subjects.map((subject) => {
    const own = rates.get(subject) ?? []
    return [
      label(subject),
      median(own).toFixed(0),
      medianRatio(own, floor).toFixed(2),
      `${(median(p50s.get(subject) ?? []) * 1_000).toFixed(0)} µs`,
      requests.get(subject)?.toFixed(2) ?? '',
    ]
  })
  console.log(`\nW1  one task, a free lock: acquire + release; medians of ${rounds} rounds of ${count} cycles`)
  console.log(table(['', 'cycles/s', 'of bare', 'p50', 'requests/cycle'], rows))
  const ours = subjects.find(({ name }) => name === OURS)
  if (ours === undefined) return
  const share = medianRatio(rates.get(ours) ?? [], floor)
  console.log(verdict({ what: 'of the bare commands', value: share, atLeast: 0.9 }))
  console.log(verdict({ what: 'requests a cycle', value: requests.get(ours) ?? Number.NaN, exactly: 2 }))
}

export async function parallel(subjects: readonly Subject[], url: string, rounds: number, count = 100): Promise<void> {
  const rates = listsFor(subjects)
  await withAll(subjects, url, async (opened) => {
    const measure = async (each: Opened): Promise<number> => {
      const start = performance.now()
      await Promise.all(Array.from({ length: TASKS }, () => cycles(each, count)))
      return ((TASKS * count) / (performance.now() - start)) * 1_000
    }
    for (const each of opened.values()) await measure(each)
    await interleaved([...opened], rounds, async ([subject, each]) => {
      rates.get(subject)?.push(await measure(each))
    })
  })
  const best = bestSettings(subjects, (subject) => median(rates.get(subject) ?? []))
  const floor = rates.get(best.find(({ name }) => name === BARE) as Subject) ?? []
  const rows = best.map((subject) => {
    const own = rates.get(subject) ?? []
    return [label(subject), median(own).toFixed(0), medianRatio(own, floor).toFixed(2)]
  })
  console.log(
    `\nW2  ${TASKS} tasks, each with a free lock of its own, in the better setting; medians of ${rounds} rounds`,
  )
  console.log(table(['', 'cycles/s', 'of bare'], rows))
  const ours = best.find(({ name }) => name === OURS)
  const share = medianRatio((ours && rates.get(ours)) ?? [], floor)
  if (ours !== undefined) console.log(verdict({ what: 'of the bare commands', value: share, atLeast: 0.95 }))
}
