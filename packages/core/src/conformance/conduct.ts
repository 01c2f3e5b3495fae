import { failureOf } from './failure.ts'
import { History, hostNow } from './history.ts'
import type { Observer, Plan, PlannedCase } from './plan.ts'
import { type CaseReport, type Report, timelineOf } from './report.ts'
import type { Strays } from './strays.ts'
import type { ConformanceTarget } from './target.ts'
import { within } from './time.ts'

/** What a run tells while it goes on. */
export interface Listener {
  begins(planned: PlannedCase): void
  ended(report: CaseReport): void
}

export interface ConductOptions {
  readonly strays: Strays
  /** The texts that chose the plan's cases. */
  readonly only: readonly string[]
  /** Ends the run at once; the case at work counts as not run, and goes on unheard. */
  readonly signal: AbortSignal
}

/** Runs the cases of a plan, one after the other. What fails outside of any promise counts against the case at work. */
export async function conduct(
  target: ConformanceTarget,
  plan: Plan,
  listener: Listener,
  { strays, only, signal }: ConductOptions,
): Promise<Report> {
  const started = new Date()
  const begun = hostNow()
  const cases: CaseReport[] = []
  const aborted = new Promise<undefined>((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
  for (const planned of plan.cases) {
    if (signal.aborted) break
    listener.begins(planned)
    const report = await Promise.race([runCase(planned, strays), aborted])
    if (report === undefined) break
    cases.push(report)
    listener.ended(report)
  }
  const failed = cases.filter(({ outcome }) => outcome === 'failed').length
  return {
    version: 1,
    target: target.name,
    seed: plan.seed,
    only,
    startedAt: started.toISOString(),
    took: Math.round(hostNow() - begun),
    platform: `Node.js ${process.version} on ${process.platform} ${process.arch}`,
    capabilities: target.capabilities,
    passed: cases.length - failed,
    failed,
    cases,
    notRun: plan.cases.slice(cases.length).map(({ theme, title }) => ({ theme, title })),
    leftOut: plan.leftOut,
  }
}

async function runCase({ theme, title, timeout, run }: PlannedCase, strays: Strays): Promise<CaseReport> {
  let history = new History()
  const begun = hostNow()
  const errors: unknown[] = []
  const standstills: number[] = []
  const observer: Observer = {
    begins: (seen) => {
      history = seen
    },
    repeats: (stoodStill) => standstills.push(stoodStill),
  }
  try {
    await within(timeout, `${title}, with its clients closed`, run(observer))
  } catch (error) {
    errors.push(error)
  }
  const ended = hostNow()
  for (const stray of await strays.take())
    errors.push(new Error('something was thrown that nobody caught', { cause: stray }))
  return {
    theme,
    title,
    outcome: errors.length === 0 ? 'passed' : 'failed',
    took: Math.round(ended - begun),
    standstills: standstills.length === 0 ? undefined : standstills,
    failure: errors.length === 0 ? undefined : failureOf(errors),
    timeline: timelineOf(history, ended),
  }
}
