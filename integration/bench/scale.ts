// How core's cost per lease and per hand-off grows: 10,000 leases held, up to 10,000 waiters on one key.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  type AcquireAnswer,
  type AcquireRequest,
  type Lease,
  Lock,
  type LockBackend,
  memoryBackend,
  type RenewAnswer,
  type RenewRequest,
} from '@locks/core'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

const LEASES = 10_000
const TTL = 6_000
const OBSERVED = 20_000
const HAND_OFFS = 40_000
const ROUNDS = 5

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** A backend that answers at once and keeps next to nothing itself, so that what is measured is core's. */
function thinBackend(onRenew: () => void): LockBackend {
  let fence = 0n
  return Object.assign(memoryBackend(), {
    name: 'thin',
    acquire: ({ ttl }: AcquireRequest): Promise<AcquireAnswer> => {
      fence += 64n
      return Promise.resolve({ outcome: 'granted', fencingToken: fence, ttl })
    },
    renew: ({ ttl }: RenewRequest): Promise<RenewAnswer> => {
      onRenew()
      return Promise.resolve({ outcome: 'renewed', ttl })
    },
    release: () => Promise.resolve(true),
  })
}

async function heldLeases(): Promise<void> {
  const at: number[] = []
  const backend = thinBackend(() => at.push(performance.now()))
  const leases: Lease[] = []
  gc()
  const before = process.memoryUsage().heapUsed
  for (let index = 0; index < LEASES; index += 1)
    leases.push(await new Lock(`lease ${index}`, { backend, ttl: TTL }).acquire())
  gc()
  const bytes = (process.memoryUsage().heapUsed - before) / LEASES

  const timers = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  const start = performance.now()
  let latest = 0
  while (performance.now() - start < OBSERVED) {
    await sleep(50)
    latest = Math.max(latest, ...leases.filter((_, index) => index % 100 === 0).map(({ remaining }) => TTL - remaining))
  }
  const perSecond = Array.from(
    { length: Math.floor(OBSERVED / 1_000) },
    (_, second) => at.filter((time) => time >= start + second * 1_000 && time < start + (second + 1) * 1_000).length,
  )
  const lost = leases.filter(({ held }) => !held).length
  console.log(`${LEASES} leases held by one process, ttl ${TTL} ms, for ${OBSERVED / 1_000} s:`)
  console.log(`  heap per lease ${Math.round(bytes)} bytes, timers that keep the process up ${timers}, lost ${lost}`)
  console.log(
    `  renewals/s: median ${median(perSecond)}, most ${Math.max(...perSecond)} (evenly: ${Math.round(LEASES / (TTL / 3_000))})`,
  )
  console.log(`  longest time without a confirmed renewal ${Math.round(latest)} ms (planned: up to ${TTL / 3} ms)`)
  for (const lease of leases) await lease.release()
}

/** Microseconds per hand-off with so many tasks waiting all the time. */
async function handOff(waiters: number): Promise<number> {
  const lock = new Lock(`waiters ${waiters}`, { backend: memoryBackend(), timeout: Number.POSITIVE_INFINITY })
  let left = HAND_OFFS + waiters
  let start = 0
  const task = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      if (left === HAND_OFFS) start = performance.now()
      const lease = await lock.acquire()
      await lease.release()
    }
  }
  const first = await lock.acquire()
  const tasks = Array.from({ length: waiters }, task)
  await sleep(20)
  start = performance.now()
  await first.release()
  await Promise.all(tasks)
  return ((performance.now() - start) * 1_000) / (HAND_OFFS + waiters)
}

await heldLeases()
const sizes = [10, 100, 1_000, 10_000]
await handOff(100)
const costs = sizes.map(() => [] as number[])
for (let round = 0; round < ROUNDS; round += 1)
  for (const [index, size] of sizes.entries()) costs[index]?.push(await handOff(size))
console.log(`cost of a hand-off between tasks of one process, median of ${ROUNDS} rounds:`)
const base = median(costs[0] ?? [])
for (const [index, size] of sizes.entries()) {
  const cost = median(costs[index] ?? [])
  console.log(`  ${String(size).padStart(6)} waiters: ${cost.toFixed(1)} µs, ${(cost / base).toFixed(2)}x`)
}
