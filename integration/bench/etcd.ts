// @locks/etcd beside etcd3's own lock and the bare requests, all in one run on a server of its own.
//
//     npm run bench -- etcd [--quick]
import { availableParallelism, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { startEtcd } from '../servers/etcd-binary.ts'
import { type Comparison, contended, uncontended } from './beside-bare.ts'
import { LOCK, OURS, open, PAIR, QUEUE } from './etcd/open.ts'
import type { Setting, Subject } from './redis/contender.ts'
import { median, medianRatio, verdict } from './redis/figures.ts'

const { values } = parseArgs({ options: { quick: { type: 'boolean' } } })
const quick = values.quick === true
const STARTED = 'grpc_server_started_total'

const subject = (name: string, setting: Setting = {}): Subject => ({ name, setting })
const ours = subject(OURS)

async function alone(on: Omit<Comparison, 'subjects' | 'rounds'>): Promise<void> {
  const comparison = { ...on, subjects: [subject(PAIR), subject(LOCK), ours], rounds: quick ? 5 : 15 }
  const { ofBare, requests } = (await uncontended(comparison, open, { warmUp: 200, count: quick ? 100 : 300 }))(ours)
  console.log(verdict({ what: 'of the bare pair', value: ofBare, atLeast: 0.85 }))
  console.log(verdict({ what: 'requests a cycle', value: requests, atMost: 2.05 }))
}

async function together(on: Omit<Comparison, 'subjects' | 'rounds'>): Promise<void> {
  const bare = subject(QUEUE)
  const subjects = [bare, subject(LOCK), ours, subject(OURS, { fair: 'strict' })]
  const of = await contended({ ...on, subjects, rounds: quick ? 1 : 5 }, 'etcd', quick ? 1_500 : 2_500)
  const ofBare = (figure: Parameters<typeof of>[1]): number => medianRatio(of(ours, figure), of(bare, figure))
  const turns = of(ours, ({ most, fewest }) => most / fewest)
  const sent = of(ours, ({ requests }) => requests)
  console.log(verdict({ what: 'of the bare queue', value: ofBare(({ perSecond }) => perSecond), atLeast: 0.95 }))
  console.log(verdict({ what: 'hand-off, of the bare queue', value: ofBare((one) => one.handOffP50), atMost: 1.2 }))
  console.log(verdict({ what: 'requests a section', value: median(sent), atMost: 2.1 }))
  console.log(verdict({ what: 'most over fewest turns', value: median(turns), atMost: 1.1 }))
}

const server = await startEtcd()
try {
  const started = performance.now()
  const host = `${server.host}:${server.port}`
  const load = `${availableParallelism()} CPUs, on which ${loadavg()[0]?.toFixed(1)} processes were busy`
  console.log(`etcd ${server.version}, Node.js ${process.versions.node}, ${load}`)
  const requests = (): Promise<number> => server.metric(STARTED)
  await alone({ host, requests })
  await together({ host, requests })
  console.log(`\n${((performance.now() - started) / 1_000).toFixed(0)} s`)
} finally {
  await server.stop()
}
