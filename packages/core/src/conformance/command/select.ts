import type { Plan } from '../plan.ts'
import { Refusal } from './refusal.ts'
import { listed } from './text.ts'

/** The part of a plan whose names contain any of the texts. */
export function select(plan: Plan, only: readonly string[]): Plan {
  if (only.length === 0) return plan
  const texts = only.map((text) => text.toLowerCase())
  const wanted = ({ theme, title }: { readonly theme: string; readonly title: string }): boolean =>
    texts.some((text) => `${theme}: ${title}`.toLowerCase().includes(text))
  const cases = plan.cases.filter(wanted)
  const leftOut = plan.leftOut.filter(wanted)
  if (cases.length > 0) return { ...plan, cases, leftOut }
  const asked = only.map((text) => `"${text}"`).join(' or ')
  if (leftOut.length > 0) {
    const needs = [...new Set(leftOut.flatMap((one) => one.needs))]
    throw new Refusal(`all cases with ${asked} in their names need what the target doesn't offer: ${listed(needs)}`)
  }
  const themes = [...new Set([...plan.cases, ...plan.leftOut].map(({ theme }) => theme))]
  throw new Refusal(`no case has ${asked} in its name. The themes are: ${themes.join(', ')}`)
}
