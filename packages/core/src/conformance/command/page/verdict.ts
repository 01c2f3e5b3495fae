import type { CaseReport, Report } from '../../report.ts'
import { count } from '../text.ts'

export type Verdict = 'passed' | 'failed' | 'interrupted'

export function verdictOf({ failed, notRun }: Report): Verdict {
  if (failed > 0) return 'failed'
  return notRun.length > 0 ? 'interrupted' : 'passed'
}

/** The outcome in a few words. */
export function headline({ passed, failed, notRun }: Report): string {
  const all = passed + failed
  if (failed > 0) return `${failed} of ${count(all, 'case')} failed`
  if (notRun.length > 0) return `interrupted after ${all} of ${count(all + notRun.length, 'case')}`
  return all === 1 ? 'the case passed' : `all ${all} cases passed`
}

/** A case's place in the page. */
export const idOf = (index: number): string => `case-${index + 1}`

export const nameOf = ({ theme, title }: Pick<CaseReport, 'theme' | 'title'>): string => `${theme}: ${title}`
