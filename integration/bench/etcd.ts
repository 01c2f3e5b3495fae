// @locks/etcd beside etcd3's own lock and the bare requests, all in one run on a server of its own.
//
//     npm run bench -- etcd [--quick]
import { randomUUID } from 'node:crypto'
import { availableParallelism, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { type EtcdServer, startEtcd } from '../servers/etcd-binary.ts'
import { LOCK, type Opened, OURS, open, PAIR, QUEUE } from './etcd/open.ts'
import { label, type Setting, type Subject } from './redis/contender.ts'
import { contend, type Outcome } from './redis/contention.ts'
import { interleaved, median, medianRatio, table, verdict } from './redis/figures.ts'

const { values } = parseArgs({ options: { quick: { type: 'boolean' } } })
const quick = values.quick === true
const STARTED = 'grpc_server_started_total'

const subject = (name: string, setting: Setting = {}): Subject => ({ name, setting })

async function cycles({ take }: Opened, count: number): Promise<number> {
  const lock = take(`bench/${randomUUID()}`)
  const start = performance.now()
  for (let left = count; left > 0; left -= 1) await (await lock()).release()
  return (count / (performance.now() - start)) * 1_000
}

async function uncontended(server: EtcdServer, host: string): Promise<void> {
  const subjects = [PAIR, LOCK, OURS].map((name) => subject(name))
  const opened = new Map<Subject, Opened>()
  const rates = new Map<Subject, number[]>(subjects.map((one) => [one, []]))
  const requests = new Map<Subject, number>()
  const [rounds, count] = quick ? [5, 100] : [15, 300]
  try {
    for (const one of subjects) opened.set(one, await open(one, host))
    for (const [one, each] of opened) {
      await cycles(each, 200)
      const before = await server.metric(STARTED)
      await cycles(each, 200)
      requests.set(one, ((await server.metric(STARTED)) - before) / 200)
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
  console.log(verdict({ what: 'of the bare pair', value: medianRatio(rates.get(ours) ?? [], floor), atLeast: 0.85 }))
  console.log(verdict({ what: 'requests a cycle', value: requests.get(ours) ?? Number.NaN, atMost: 2.05 }))
}

async function contended(server: EtcdServer, host: string): Promise<void> {
  const subjects = [subject(QUEUE), subject(LOCK), subject(OURS), subject(OURS, { fair: 'strict' })]
  const outcomes = new Map<Subject, (Outcome & { readonly requests: number })[]>(subjects.map((one) => [one, []]))
  const rounds = quick ? 1 : 5
  const contention = { processes: 2, tasks: 8, hold: 1, away: 0, warmUp: 700, duration: quick ? 1_500 : 2_500 }
  await interleaved(subjects, rounds, async (one) => {
    const before = await server.metric(STARTED)
    const outcome = await contend(one, host, contention, 'etcd')
    // The warm-up's are among them, in proportion.
    const share = contention.duration / (contention.duration + contention.warmUp)
    const sent = ((await server.metric(STARTED)) - before) * share
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
  const bare = subjects[0] as Subject
  for (const one of subjects.filter(({ name, setting }) => name === OURS && setting.fair === undefined)) {
    const share = medianRatio(
      of(one, ({ perSecond }) => perSecond),
      floor,
    )
    const handOff = medianRatio(
      of(one, (outcome) => outcome.handOffP50),
      of(bare, (outcome) => outcome.handOffP50),
    )
    console.log(verdict({ what: 'of the bare queue', value: share, atLeast: 0.95 }))
    console.log(verdict({ what: 'hand-off, of the bare queue', value: handOff, atMost: 1.2 }))
    console.log(
      verdict({ what: 'requests a section', value: median(of(one, ({ requests }) => requests)), atMost: 2.1 }),
    )
    console.log(
      verdict({
        what: 'most over fewest turns',
        value: median(of(one, ({ most, fewest }) => most / fewest)),
        atMost: 1.1,
      }),
    )
  }
}

const server = await startEtcd()
try {
  const started = performance.now()
  const host = `${server.host}:${server.port}`
  const load = `${availableParallelism()} CPUs, on which ${loadavg()[0]?.toFixed(1)} processes were busy`
  console.log(`etcd ${server.version}, Node.js ${process.versions.node}, ${load}`)
  await uncontended(server, host)
  await contended(server, host)
  console.log(`\n${((performance.now() - started) / 1_000).toFixed(0)} s`)
} finally {
  await server.stop()
}
