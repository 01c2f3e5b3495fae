import type { Timeline } from '../../../report.ts'

export type Holding = Timeline['holdings'][number]
export type Trouble = Timeline['troubles'][number]
export type Overlap = Timeline['overlaps'][number]

export interface Lane {
  readonly who: string
  /** By their beginnings, each with its index in the timeline. */
  readonly holdings: readonly { readonly holding: Holding; readonly index: number }[]
  /** Trouble that was this holder's only. */
  readonly troubles: readonly Trouble[]
}

/** Whether trouble of `whose` concerns `who`: `client 1` stands for its tasks `client 1a` and `client 1b`, not for `client 10`. */
const concerns = (whose: string, who: string): boolean =>
  who.startsWith(whose) && !/^[0-9]/.test(who.slice(whose.length))

/** One lane per holder. Who had trouble but never held has one, too. */
export function lanesOf({ holdings, troubles }: Timeline): readonly Lane[] {
  const holders = new Set(holdings.map(({ who }) => who))
  const idle = troubles.flatMap(({ who }) =>
    who === undefined || [...holders].some((holder) => concerns(who, holder)) ? [] : [who],
  )
  const names = [...holders, ...new Set(idle)].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  return names.map((who) => ({
    who,
    holdings: holdings
      .map((holding, index) => ({ holding, index }))
      .filter(({ holding }) => holding.who === who)
      .sort((a, b) => a.holding.from - b.holding.from),
    troubles: troubles.filter((trouble) => trouble.who !== undefined && concerns(trouble.who, who)),
  }))
}

/** Trouble that was everybody's. */
export const common = ({ troubles }: Timeline): readonly Trouble[] => troubles.filter(({ who }) => who === undefined)
