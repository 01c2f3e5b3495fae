/**
 * The conformance kit: what every backend must do, as cases for any test runner.
 *
 *     for (const { name, run, timeout } of conformanceCases(target)) test(name, run, timeout)
 *
 * The command `locks-conformance ./target.js` runs them without one.
 */
import { messageOf } from './failure.ts'
import { plan } from './plan.ts'
import type { ConformanceCase, ConformanceOptions, ConformanceTarget } from './target.ts'

export { RoughNetwork } from './rough-network.ts'
export { watchMachine } from './standstill.ts'
export type { ConformanceCase, ConformanceFaults, ConformanceOptions, ConformanceTarget } from './target.ts'

/** The cases that apply to a target. Each makes its own clients and closes them, and uses lock names of its own. */
export function conformanceCases(
  target: ConformanceTarget,
  { seed }: ConformanceOptions = {},
): readonly ConformanceCase[] {
  return plan(target, seed).cases.map(({ theme, title, timeout, run }) => {
    const name = `${theme}: ${title}`
    const repeats = (stoodStill: number, failure: unknown): void =>
      process.emitWarning(
        `conformance of ${target.name}: "${name}" is run again, as the machine stood still for ${stoodStill} ms while it failed: ${messageOf(failure)}`,
      )
    return { name, timeout, run: () => run({ repeats }) }
  })
}
