import type { LeftOutCase } from '../plan.ts'

/** What a target could offer, and the cases that it would then have to pass; the most rewarding first. */
export interface Offer {
  readonly needs: readonly string[]
  readonly cases: readonly LeftOutCase[]
}

export function offersOf(leftOut: readonly LeftOutCase[]): readonly Offer[] {
  const groups = Map.groupBy(leftOut, ({ needs }) => needs.join(' and '))
  const offers = [...groups.values()].map((cases) => ({ needs: cases[0]?.needs ?? [], cases }))
  return offers.sort((a, b) => b.cases.length - a.cases.length)
}
