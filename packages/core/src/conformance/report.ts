import type { Capabilities } from '../index.ts'
import type { History } from './history.ts'
import type { LeftOutCase } from './plan.ts'

/** What came of a case. Contains plain values only: what JSON can carry. */
export interface CaseReport {
  readonly theme: string
  readonly title: string
  readonly outcome: 'passed' | 'failed'
  /** Milliseconds. */
  readonly took: number
  /** Of each attempt that failed and was followed by another: milliseconds for which the machine stood still meanwhile. */
  readonly standstills?: readonly number[] | undefined
  /** Where it failed: what was seen instead, and where. */
  readonly failure?: { readonly message: string; readonly stack: string } | undefined
  /** Of cases that watch who holds. */
  readonly timeline?: Timeline | undefined
}

/** Who held a case's lock when. Instants are milliseconds since the case began. */
export interface Timeline {
  /** How many may hold at once, unless all of them are readers. */
  readonly permits: number
  /** Milliseconds from the beginning of the case to its end. */
  readonly length: number
  readonly holdings: readonly {
    readonly who: string
    readonly mode: 'exclusive' | 'shared' | 'semaphore'
    /** Decimal. */
    readonly fencingToken: string
    readonly from: number
    readonly until: number
    readonly end: 'released' | 'lost' | 'killed' | 'still held'
  }[]
  /** `who` is missing where everybody was concerned. Something that happens at once ends when it begins. */
  readonly troubles: readonly {
    readonly kind: string
    readonly who?: string | undefined
    readonly from: number
    readonly until: number
  }[]
  /** Where more held than may; `holdings` are indices. */
  readonly overlaps: readonly {
    readonly from: number
    readonly until: number
    readonly holdings: readonly number[]
  }[]
}

/** A whole run. What `--json` prints, and the page is made of. */
export interface Report {
  readonly version: 1
  /** The target's name. */
  readonly target: string
  readonly seed: number
  /** The texts that chose the cases; empty: all of them. */
  readonly only: readonly string[]
  /** ISO 8601. */
  readonly startedAt: string
  /** Milliseconds. */
  readonly took: number
  /** `Node.js v24.21.0 on linux x64`. */
  readonly platform: string
  readonly capabilities: Capabilities
  readonly passed: number
  readonly failed: number
  readonly cases: readonly CaseReport[]
  /** Where the run was interrupted: what it didn't come to. */
  readonly notRun: readonly { readonly theme: string; readonly title: string }[]
  /** What would be checked if the target offered more, and what that is. */
  readonly leftOut: readonly LeftOutCase[]
}

/** The timeline of a case that has ended. */
export function timelineOf(history: History, ended: number): Timeline | undefined {
  const { begun, permits } = history
  if (history.holdings.length === 0) return undefined
  const since = (at: number): number => Math.round((Math.min(at, ended) - begun) * 1_000) / 1_000
  return {
    permits,
    length: since(ended),
    holdings: history.holdings.map(({ who, mode, fencingToken, from, until, end }) => ({
      who,
      mode,
      fencingToken: String(fencingToken),
      from: since(from),
      until: since(until),
      end: end ?? 'still held',
    })),
    troubles: history.troubles.map(({ kind, who, from, until }) => ({
      kind,
      ...(who === undefined ? {} : { who }),
      from: since(from),
      until: since(until),
    })),
    overlaps: history.overlaps().map(({ from, until, holdings }) => ({
      from: since(from),
      until: since(until),
      holdings: holdings.map((holding) => history.holdings.indexOf(holding)),
    })),
  }
}
