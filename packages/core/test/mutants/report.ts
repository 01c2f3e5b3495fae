import type { Flaw } from './flaw.ts'

/** What became of one flaw. */
export interface Fate extends Flaw {
  readonly caught: boolean
  /** The seed with which the simulation found it, too. */
  readonly seed?: number | undefined
}

/** A table: flaw, the case that caught it, the seed of the simulation that found it. */
export function report(title: string, fates: readonly Fate[]): string {
  const width = Math.max(...fates.map(({ flaw }) => flaw.length))
  const rows = fates.map(({ flaw, caughtBy, caught, seed }) => {
    const found = seed === undefined ? '' : `  → simulation, seed ${seed}`
    return `  ${flaw.padEnd(width)}  ${caught ? '→' : 'SURVIVED'} ${caughtBy}${found}`
  })
  const caught = fates.filter((fate) => fate.caught).length
  const cases = new Set(fates.map(({ caughtBy }) => caughtBy)).size
  return [`${title}: ${caught} of ${fates.length} caught, by ${cases} cases`, ...rows].join('\n')
}
