import { History, hostNow } from './history.ts'
import type { Plan, PlannedCase } from './plan.ts'
import { type CaseReport, type Report, timelineOf } from './report.ts'
import type { ConformanceTarget } from './target.ts'

/** What a run tells while it goes on. */
export interface Listener {
  begins(planned: PlannedCase, index: number): void
  ended(report: CaseReport, index: number): void
}

/** Runs the cases of a plan, one after the other. What fails outside of any promise counts against the case at work. */
export async function conduct(target: ConformanceTarget, plan: Plan, listener: Listener): Promise<Report> {
  const started = new Date()
  const begun = hostNow()
  const cases: CaseReport[] = []
  for (const [index, planned] of plan.cases.entries()) {
    listener.begins(planned, index)
    const report = await runCase(planned)
    cases.push(report)
    listener.ended(report, index)
  }
  const failed = cases.filter(({ outcome }) => outcome === 'failed').length
  return {
    version: 1,
    target: target.name,
    seed: plan.seed,
    startedAt: started.toISOString(),
    took: Math.round(hostNow() - begun),
    platform: `Node.js ${process.version} on ${process.platform} ${process.arch}`,
    capabilities: target.capabilities,
    passed: cases.length - failed,
    failed,
    cases,
    leftOut: plan.leftOut,
  }
}

async function runCase({ theme, title, run }: PlannedCase): Promise<CaseReport> {
  let history = new History()
  const begun = hostNow()
  const failure = await stray(run((seen) => (history = seen))).then(
    () => undefined,
    (error: unknown) => describe(error),
  )
  const ended = hostNow()
  return {
    theme,
    title,
    outcome: failure === undefined ? 'passed' : 'failed',
    took: Math.round(ended - begun),
    failure,
    timeline: timelineOf(history, ended),
  }
}

/** `work`, but rejecting also where something was thrown that nobody caught meanwhile. */
async function stray(work: Promise<void>): Promise<void> {
  const thrown: unknown[] = []
  const hear = (error: unknown): void => {
    thrown.push(error)
  }
  process.on('unhandledRejection', hear)
  process.on('uncaughtException', hear)
  try {
    await work
    // A rejection counts as unhandled after the turn in which it came up.
    await new Promise((resolve) => setImmediate(resolve))
  } finally {
    process.off('unhandledRejection', hear)
    process.off('uncaughtException', hear)
  }
  if (thrown.length > 0) throw new Error('something was thrown that nobody caught', { cause: thrown[0] })
}

function describe(error: unknown): NonNullable<CaseReport['failure']> {
  if (!(error instanceof Error)) return { message: String(error), stack: '' }
  const { message, cause, stack = '' } = error
  const because = cause instanceof Error ? `: ${cause.message}` : ''
  return { message: message + because, stack: cause instanceof Error ? `${stack}\n${cause.stack}` : stack }
}
