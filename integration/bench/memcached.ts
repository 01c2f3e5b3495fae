// @locks/memcached beside the bare requests of memjs, all in one run on a server of its own.
//
//     npm run bench -- memcached [--quick]
import { randomUUID } from 'node:crypto'
import { availableParallelism, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { type MemcachedServer, startMemcached } from '../servers/memcached-binary.ts'
import { type Opened, OURS, open, PAIR, POLLING } from './memcached/open.ts'
import { label, type Setting, type Subject } from './redis/contender.ts'
import { contend, type Outcome } from './redis/contention.ts'
import { interleaved, median, medianRatio, table, verdict } from './redis/figures.ts'

const { values } = parseArgs({ options: { quick: { type: 'boolean' } } })
const quick = values.quick === true
const COMMANDS = ['cmd_get', 'cmd_set', 'delete_hits', 'delete_misses']

/** How many requests it has had. */
async function requestsAt(server: MemcachedServer): Promise<number> {
  let sum = 0
  for (const name of COMMANDS) sum += await server.stat(name)
  return sum
}

const subject = (name: string, setting: Setting = {}): Subject => ({ name, setting })

async function cycles({ take }: Opened, count: number): Promise<number> {
  const lock = take(`bench/${randomUUID()}`)
  const start = performance.now()
  for (let left = count; left > 0; left -= 1) await (await lock()).release()
  return (count / (performance.now() - start)) * 1_000
}

async function uncontended(server: MemcachedServer, host: string): Promise<void> {
  const subjects = [PAIR, OURS].map((name) => subject(name))
  const opened = new Map<Subject, Opened>()
  const rates = new Map<Subject, number[]>(subjects.map((one) => [one, []]))
  const requests = new Map<Subject, number>()
  const [rounds, count] = quick ? [5, 300] : [15, 1_000]
  try {
    for (const one of subjects) opened.set(one, await open(one, host))
    for (const [one, each] of opened) {
      // Until it is compiled.
      await cycles(each, quick ? 500 : 4_000)
      const before = await requestsAt(server)
      await cycles(each, 200)
      requests.set(one, ((await requestsAt(server)) - before) / 200)
    }
    await interleaved([...opened], rounds, async ([one, each]) => {
      rates.get(one)?.push(await cycles(each, count))
    })
  } finally {
    for (const each of opened.values()) await each.close()
  }
  const [floor = []] = rates.values()
  const rows = subjects.map((one) => {
    const own = rates.get(one) ?? []
    return [label(one), median(own).toFixed(0), medianRatio(own, floor).toFixed(2), requests.get(one)?.toFixed(2) ?? '']
  })
  console.log(`\nA free lock: acquire and release, one after the other; medians of ${rounds} rounds of ${count} cycles`)
  console.log(table(['', 'cycles/s', 'of bare', 'requests/cycle'], rows))
  const ours = subjects.find(({ name }) => name === OURS) as Subject
  console.log(verdict({ what: 'of the bare pair', value: medianRatio(rates.get(ours) ?? [], floor), atLeast: 0.6 }))
  console.log(verdict({ what: 'requests a cycle', value: requests.get(ours) ?? Number.NaN, atMost: 3.05 }))
}

async function contended(server: MemcachedServer, host: string): Promise<void> {
  const subjects = [subject(POLLING, { delay: 2 }), subject(POLLING, { delay: 10 }), subject(OURS)]
  const outcomes = new Map<Subject, (Outcome & { readonly requests: number })[]>(subjects.map((one) => [one, []]))
  const rounds = quick ? 1 : 5
  const contention = { processes: 2, tasks: 8, hold: 1, away: 0, warmUp: 700, duration: quick ? 1_500 : 2_500 }
  await interleaved(subjects, rounds, async (one) => {
    const before = await requestsAt(server)
    const outcome = await contend(one, host, contention, 'memcached')
    // The warm-up's are among them, in proportion.
    const share = contention.duration / (contention.duration + contention.warmUp)
    const sent = ((await requestsAt(server)) - before) * share
    outcomes.get(one)?.push({ ...outcome, requests: sent / outcome.sections })
  })
  const of = (one: Subject, figure: (outcome: Outcome & { readonly requests: number }) => number): number[] =>
    (outcomes.get(one) ?? []).map(figure)
  const floor = of(subjects[0] as Subject, ({ perSecond }) => perSecond)
  const rows = subjects.map((one) => [
    label(one),
    median(of(one, ({ perSecond }) => perSecond)).toFixed(0),
    medianRatio(
      of(one, ({ perSecond }) => perSecond),
      floor,
    ).toFixed(2),
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
  const ours = subjects.find(({ name }) => name === OURS) as Subject
  const figure = (what: string, of: readonly number[], atMost: number): void =>
    console.log(verdict({ what, value: median(of), atMost }))
  figure(
    'ms to hand it over (p50)',
    of(ours, ({ handOffP50 }) => handOffP50),
    0.6,
  )
  figure(
    'ms of the longest wait',
    of(ours, ({ longestWait }) => longestWait),
    200,
  )
  figure(
    'requests a section',
    of(ours, ({ requests }) => requests),
    8,
  )
}

const server = await startMemcached()
try {
  const started = performance.now()
  const host = `${server.host}:${server.port}`
  const load = `${availableParallelism()} CPUs, on which ${loadavg()[0]?.toFixed(1)} processes were busy`
  console.log(`memcached ${server.version}, Node.js ${process.versions.node}, ${load}`)
  await uncontended(server, host)
  await contended(server, host)
  console.log(`\n${((performance.now() - started) / 1_000).toFixed(0)} s`)
} finally {
  await server.stop()
}
