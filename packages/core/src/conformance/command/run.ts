import { type ConductOptions, conduct, type Listener } from '../conduct.ts'
import type { Plan } from '../plan.ts'
import type { Report } from '../report.ts'
import type { ConformanceTarget } from '../target.ts'
import { divert } from './divert.ts'
import { Lines } from './lines.ts'
import { LiveTable } from './live-table.ts'
import type { Sink } from './sink.ts'
import { count } from './text.ts'

/** Runs the cases one after the other and shows their progress, if there is anybody to see it. */
export async function run(
  target: ConformanceTarget,
  plan: Plan,
  progress: Sink | undefined,
  listener: Listener,
  options: ConductOptions,
): Promise<Report> {
  if (progress === undefined) return conduct(target, plan, listener, options)
  progress.write(heading(target, plan, progress))
  if (!progress.live) return conduct(target, plan, both(listener, new Lines(progress)), options)
  const table = new LiveTable(progress, plan)
  // What the adapter logs would tear the table apart.
  const restore = divert([process.stdout, process.stderr], (text) => table.above(text))
  table.start()
  try {
    return await conduct(target, plan, both(listener, table), options)
  } finally {
    table.finish()
    restore()
  }
}

const both = (one: Listener, other: Listener): Listener => ({
  begins(planned) {
    one.begins(planned)
    other.begins(planned)
  },
  ended(report) {
    one.ended(report)
    other.ended(report)
  },
})

function heading({ name }: ConformanceTarget, { cases, seed }: Plan, { paint }: Sink): string {
  const themes = new Set(cases.map(({ theme }) => theme)).size
  const facts = `${count(cases.length, 'case')} in ${count(themes, 'theme')}, seed ${seed}`
  return `\n  ${paint('bold', name)}  ${paint('dim', facts)}\n\n`
}
