import type { Plan } from '../plan.ts'
import type { CaseReport } from '../report.ts'

/** How far a theme has come. */
export interface ThemeProgress {
  readonly name: string
  readonly total: number
  readonly outcomes: CaseReport['outcome'][]
  /** Milliseconds, of the cases that have ended. */
  took: number
  atWork: { readonly title: string; readonly since: number } | undefined
}

export const finished = ({ outcomes, total }: ThemeProgress): boolean => outcomes.length === total
export const failures = ({ outcomes }: ThemeProgress): number => outcomes.filter((one) => one === 'failed').length

/** The themes of a plan, in its order, with nothing done. */
export function themesOf(plan: Plan): readonly ThemeProgress[] {
  const totals = new Map<string, number>()
  for (const { theme } of plan.cases) totals.set(theme, (totals.get(theme) ?? 0) + 1)
  return [...totals].map(([name, total]) => ({ name, total, outcomes: [], took: 0, atWork: undefined }))
}
