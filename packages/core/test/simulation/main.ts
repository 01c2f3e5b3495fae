/**
 * The simulation's command line.
 *
 *     npm run simulate -- --seeds 1000000      runs that many seeds, on all cores
 *     npm run simulate -- --seed 17 --trace    runs one, and prints what happens in it
 *
 * --from N begins with another seed than 0, --only record|native leaves the other kind out, --workers N takes another
 * number of threads, --stop-at-first ends with the first finding. Exit code 1 if a promise was broken.
 */
import { parseArgs } from 'node:util'
import { sail } from './fleet.ts'
import { reportOf } from './report.ts'
import { runSeed } from './run-seed.ts'
import type { Kind } from './scenario.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10000' },
    from: { type: 'string', default: '0' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    only: { type: 'string' },
    workers: { type: 'string' },
    'stop-at-first': { type: 'boolean', default: false },
  },
})

function whole(flag: string, text: string): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 0) throw new RangeError(`--${flag} is ${text}: it must be a whole number`)
  return number
}

function kind(text: string | undefined): Kind | undefined {
  if (text === undefined || text === 'record' || text === 'native') return text
  throw new RangeError(`--only is ${text}: it must be record or native`)
}

/** How often progress is printed, in milliseconds. */
const PRINT_EVERY = 10_000

if (values.seed === undefined) await many()
else await one(whole('seed', values.seed))

async function one(seed: number): Promise<void> {
  const result = await runSeed(seed, true)
  if (values.trace) for (const line of result.trace) console.log(line)
  const { failure, events, hash } = result
  if (failure === undefined) console.log(`seed ${seed}: ${events} events, hash ${hash >>> 0}, all promises kept`)
  else {
    console.log(reportOf(result).report)
    process.exitCode = 1
  }
}

async function many(): Promise<void> {
  const seeds = whole('seeds', values.seeds)
  const started = performance.now()
  let printed = started
  const pace = (runs: number): string => {
    const minutes = (performance.now() - started) / 60_000
    return `${runs} of ${seeds} seeds, ${Math.round(runs / minutes)} per minute`
  }
  const { runs, findings } = await sail({
    from: whole('from', values.from),
    seeds,
    only: kind(values.only),
    workers: values.workers === undefined ? undefined : Math.max(1, whole('workers', values.workers)),
    stopAtFirst: values['stop-at-first'],
    found: ({ report }) => console.log(`${report}\n`),
    progress: (done) => {
      if (performance.now() - printed < PRINT_EVERY) return
      printed = performance.now()
      console.log(pace(done))
    },
  })
  const broken = new Map<string, number>()
  for (const { invariant } of findings) broken.set(invariant, (broken.get(invariant) ?? 0) + 1)
  const summary = [...broken].map(([invariant, count]) => `${invariant}: ${count}`).join(', ')
  console.log(
    `${pace(runs)}; ${findings.length === 0 ? 'all promises kept' : `${findings.length} broken (${summary})`}`,
  )
  if (findings.length > 0) process.exitCode = 1
}
