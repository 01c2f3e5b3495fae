import type { Result } from './run-seed.ts'
import { kindOf } from './scenario.ts'

/** What a failed seed leaves behind, in a form that can be sent between threads. */
export interface Finding {
  readonly seed: number
  readonly invariant: string
  /** In words, with the end of the trace and the command that repeats it. */
  readonly report: string
}

/** How many lines of a trace a report ends with. */
const TAIL = 40
const WIDTH = 220

/** Tells of a failure, from a run whose trace was kept. */
export function reportOf({ seed, failure, trace, scenario }: Result): Finding {
  const invariant = failure?.invariant ?? 'determinism'
  const message = failure?.message ?? 'it failed, and did not fail when it was run again'
  const { clock, watch, queue, idleRecords } = scenario.variant.traits
  const kind = kindOf(seed)
  const over =
    kind === 'record' ? `record store: clock ${clock}, watch ${watch}, queue ${queue}, idle ${idleRecords}` : kind
  const tail = trace.slice(-TAIL).map((line) => (line.length > WIDTH ? `${line.slice(0, WIDTH)}…` : line))
  const report = [
    `seed ${seed} (${over}) breaks "${invariant}" at ${failure?.at.toFixed(3)} ms:`,
    `  ${message}`,
    ...tail.map((line) => `  | ${line}`),
    `replay: npm run simulate -- --seed ${seed} --trace`,
  ]
  return { seed, invariant, report: report.join('\n') }
}

/** The finding of a seed whose run never gave the thread back. */
export const stuck = (seed: number): Finding => ({
  seed,
  invariant: 'rest',
  report: `seed ${seed} never comes to its end: some code runs in a circle\nreplay: npm run simulate -- --seed ${seed} --trace`,
})
