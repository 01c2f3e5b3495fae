// @locks/redis beside the other locks on Redis and the bare commands, all in one run on a server of its own.
//
//     npm run bench -- redis [--quick] [--only W1,W2,W3,W4,weight] [--contenders '@locks/redis,redlock']
import { availableParallelism, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { startRedis } from '../servers/redis-binary.ts'
import type { Setting, Subject } from './redis/contender.ts'
import { crowd } from './redis/crowd.ts'
import { handOffs } from './redis/hand-offs.ts'
import { BARE, OURS, open, QUEUE } from './redis/open.ts'
import { peers, slowByDefault } from './redis/peers.ts'
import { parallel, sequential } from './redis/uncontended.ts'
import { weight } from './redis/weight.ts'

const WORKLOADS = ['W1', 'W2', 'W3', 'W4', 'weight']

const { values } = parseArgs({
  options: { quick: { type: 'boolean' }, only: { type: 'string' }, contenders: { type: 'string' } },
})
const quick = values.quick === true
const workloads = values.only?.split(',') ?? WORKLOADS
const names = values.contenders?.split(',') ?? [...Object.keys(peers), OURS]
const unknown = [
  ...workloads.filter((name) => !WORKLOADS.includes(name)),
  ...names.filter((name) => name !== OURS && !(name in peers)),
]
if (unknown.length > 0)
  throw new Error(`unknown: ${unknown.join(', ')}; there are ${[...WORKLOADS, ...Object.keys(peers), OURS].join(', ')}`)

const subject = (name: string, setting: Setting = {}): Subject => ({ name, setting })

/** Those of the named contenders that take and release a lock here; a line for each that doesn't. */
async function working(url: string): Promise<string[]> {
  const found: string[] = []
  for (const name of names)
    try {
      const { take, close } = await open(subject(name), url)
      try {
        const held = await take('bench:first')()
        await held.release()
      } finally {
        await close()
      }
      found.push(name)
    } catch (error) {
      console.log(`✗ ${name} does not work here and is left out: ${error instanceof Error ? error.message : error}`)
    }
  return found
}

const server = await startRedis()
try {
  const started = performance.now()
  const url = `redis://${server.host}:${server.port}`
  const load = `${availableParallelism()} CPUs, on which ${loadavg()[0]?.toFixed(1)} processes were busy`
  console.log(`Redis ${server.version}, Node.js ${process.versions.node}, ${load}`)
  const found = await working(url)
  const plain = found.map((name) => subject(name))
  const others = found.filter((name) => name !== OURS)
  const ours = found.filter((name) => name === OURS)
  if (workloads.includes('W1')) await sequential([subject(BARE), ...plain], url, quick ? 9 : 25)
  if (workloads.includes('W2')) {
    const pipelined = [BARE, ...others].map((name) => subject(name, { autoPipelining: true }))
    await parallel([subject(BARE), ...plain, ...pipelined], url, quick ? 3 : 9)
  }
  const impatient = others.filter((name) => slowByDefault.includes(name)).map((name) => subject(name, { delay: 10 }))
  const strict = ours.map((name) => subject(name, { fair: 'strict' }))
  if (workloads.includes('W3')) {
    const unqueued = ours.map((name) => subject(name, { fair: false }))
    const effort = quick ? { rounds: 1, warmUp: 300, duration: 1_000 } : { rounds: 5, warmUp: 400, duration: 1_800 }
    await handOffs([subject(QUEUE), ...plain, ...impatient, ...strict, ...unqueued], url, effort)
  }
  if (workloads.includes('W4')) {
    const effort = quick ? { rounds: 1, warmUp: 700, duration: 500 } : { rounds: 3, warmUp: 700, duration: 800 }
    await crowd([...plain, ...impatient, ...strict], url, effort)
  }
  if (workloads.includes('weight')) await weight(found, quick ? 5 : 15)
  console.log(`\n${((performance.now() - started) / 1_000).toFixed(0)} s`)
} finally {
  await server.stop()
}
