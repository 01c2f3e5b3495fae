// @locks/memcached beside the bare requests of memjs, all in one run on a server of its own.
//
//     npm run bench -- memcached [--quick]
import { availableParallelism, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { startMemcached } from '../servers/memcached-binary.ts'
import { type Comparison, type Contended, contended, uncontended } from './beside-bare.ts'
import { OURS, open, PAIR, POLLING } from './memcached/open.ts'
import type { Setting, Subject } from './redis/contender.ts'
import { median, verdict } from './redis/figures.ts'

const { values } = parseArgs({ options: { quick: { type: 'boolean' } } })
const quick = values.quick === true
const COMMANDS = ['cmd_get', 'cmd_set', 'delete_hits', 'delete_misses']

const subject = (name: string, setting: Setting = {}): Subject => ({ name, setting })
const ours = subject(OURS)

async function alone(on: Omit<Comparison, 'subjects' | 'rounds'>): Promise<void> {
  // Until it is compiled, and long enough that a moment's stop does not tell.
  const [warmUp, count] = quick ? [500, 300] : [10_000, 1_000]
  const comparison = { ...on, subjects: [subject(PAIR), ours], rounds: quick ? 5 : 15 }
  const { ofBare, requests } = (await uncontended(comparison, open, { warmUp, count }))(ours)
  console.log(verdict({ what: 'of the bare pair', value: ofBare, atLeast: 0.6 }))
  console.log(verdict({ what: 'requests a cycle', value: requests, atMost: 3.05 }))
}

async function together(on: Omit<Comparison, 'subjects' | 'rounds'>): Promise<void> {
  const subjects = [subject(POLLING, { delay: 2 }), subject(POLLING, { delay: 10 }), ours]
  const of = await contended({ ...on, subjects, rounds: quick ? 1 : 5 }, 'memcached', quick ? 1_500 : 2_500)
  const judge = (what: string, figure: (outcome: Contended) => number, atMost: number): void =>
    console.log(verdict({ what, value: median(of(ours, figure)), atMost }))
  judge('ms to hand it over (p50)', ({ handOffP50 }) => handOffP50, 0.6)
  judge('ms of the longest wait', ({ longestWait }) => longestWait, 200)
  judge('requests a section', ({ requests }) => requests, 8)
}

async function requests(): Promise<number> {
  let sum = 0
  for (const name of COMMANDS) sum += await server.stat(name)
  return sum
}

const server = await startMemcached()
try {
  const started = performance.now()
  const host = `${server.host}:${server.port}`
  const load = `${availableParallelism()} CPUs, on which ${loadavg()[0]?.toFixed(1)} processes were busy`
  console.log(`memcached ${server.version}, Node.js ${process.versions.node}, ${load}`)
  await alone({ host, requests })
  await together({ host, requests })
  console.log(`\n${((performance.now() - started) / 1_000).toFixed(0)} s`)
} finally {
  await server.stop()
}
