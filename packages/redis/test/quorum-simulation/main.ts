/**
 * The simulation's command line, from the package's folder: `node test/quorum-simulation/main.ts --seeds 100000`, or
 * `--seed 17` for one with what happened in it. `--from N` begins with another seed than 0.
 */
import { parseArgs } from 'node:util'
import { load } from './code.ts'
import { runSeed } from './run-seed.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '0' },
    seed: { type: 'string' },
  },
})

const code = await load(new URL('../../src/', import.meta.url))
if (values.seed !== undefined) {
  const { trace, failure, scenario } = await runSeed(Number(values.seed), code, {}, true)
  console.log(JSON.stringify(scenario))
  for (const line of trace) console.log(line)
  console.log(failure?.message ?? 'all promises kept')
} else {
  const from = Number(values.from)
  const started = performance.now()
  let [grants, broken] = [0, 0]
  for (let seed = from; seed < from + Number(values.seeds); seed += 1) {
    const result = await runSeed(seed, code)
    grants += result.grants
    if (result.failure === undefined) continue
    broken += 1
    console.log(`seed ${seed}: ${result.failure.invariant}: ${result.failure.message}`)
  }
  const seconds = Math.round((performance.now() - started) / 1_000)
  console.log(`${values.seeds} seeds in ${seconds} s, ${grants} grants, ${broken} broken`)
  if (broken > 0) process.exitCode = 1
}
