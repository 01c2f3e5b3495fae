/**
 * Runs the simulation in a process of its own: `node run-seeds.ts LAST`, from seed 1 up to the first that finds something.
 * Prints that as a line of JSON.
 */
import { runSeed } from '../simulation/run-seed.ts'
import type { Finding } from './trial.ts'

const last = Number(process.argv[2])
for (let seed = 1; seed <= last; seed += 1) {
  const { failure } = await runSeed(seed)
  if (failure === undefined) continue
  const finding: Finding = { seed, said: `${failure.invariant}: ${failure.message}` }
  process.stdout.write(JSON.stringify(finding))
  process.exit(1)
}
process.exit(0)
