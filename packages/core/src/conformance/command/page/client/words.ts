import type { Timeline } from '../../../report.ts'
import type { Hit } from './hit.ts'
import type { Holding, Overlap, Trouble } from './lanes.ts'
import { length } from './ticks.ts'

const plural = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`

/** An instant to the microsecond, as the kit notes it. */
export const exact = (ms: number): string => `${ms.toFixed(3)} ms`

/** What a picture shows, for those who don't see it. */
export function summed({ holdings, troubles, overlaps, length: all, permits }: Timeline): string {
  const holders = new Set(holdings.map(({ who }) => who)).size
  const parts = [
    `${plural(holdings.length, 'holding')} by ${plural(holders, 'holder')} in ${length(all)}`,
    ...(permits > 1 ? [plural(permits, 'permit')] : []),
    ...(troubles.length > 0 ? [plural(troubles.length, 'trouble')] : []),
    ...(overlaps.length > 0 ? [plural(overlaps.length, 'overlap')] : []),
  ]
  return parts.join(', ')
}

/** `12.3 ms: client 1 (token 5) and client 2 (token 6)`. */
export function overlapText({ from, until, holdings: indices }: Overlap, holdings: readonly Holding[]): string {
  const names = indices.map((index) => {
    const holding = holdings[index]
    return holding === undefined ? '?' : `${holding.who} token ${holding.fencingToken}`
  })
  const list = names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
  return `overlap ${length(until - from)}: ${list}`
}

/** The lines of a tooltip, the first one its title. */
export function hitText({ holding, troubles }: Hit): readonly string[] {
  return [...(holding === undefined ? [] : holdingText(holding)), ...troubles.map(troubleText)]
}

function holdingText({ who, mode, fencingToken, from, until, end }: Holding): readonly string[] {
  return [
    `${who}, ${mode}`,
    `token ${fencingToken}`,
    `${exact(from)} to ${exact(until)}`,
    `for ${length(until - from)}, then ${end === 'still held' ? 'still held at the end' : end}`,
  ]
}

function troubleText({ kind, who, from, until }: Trouble): string {
  const where = who === undefined ? '' : ` (${who})`
  return until > from ? `${kind}${where}: ${exact(from)} to ${exact(until)}` : `${kind}${where} at ${exact(from)}`
}
