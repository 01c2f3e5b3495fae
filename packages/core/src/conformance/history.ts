import type { LeaseMode } from '../index.ts'
import { Violation } from './violation.ts'

/** Milliseconds on the monotonic clock that all processes of this host share. */
export const hostNow = (): number => Number(process.hrtime.bigint()) / 1e6

/** Possession of the lock, as its holder could see it. Instants are those of `hostNow`. */
export interface Holding {
  readonly who: string
  readonly mode: LeaseMode
  readonly fencingToken: bigint
  /** When the grant had reached the holder. */
  readonly from: number
  /** When it called release, had lost the lease, or its deadline had passed, whichever came first. */
  until: number
  end: 'released' | 'lost' | 'killed' | undefined
}

/** Trouble that the kit made. */
export interface Trouble {
  readonly kind: string
  /** Undefined: it concerned everybody. */
  readonly who: string | undefined
  readonly from: number
  until: number
}

/** Two holdings, at least, that must not have been at the same time. */
export interface Overlap {
  readonly from: number
  readonly until: number
  readonly holdings: readonly Holding[]
}

const shown = ({ who, mode, fencingToken }: Holding): string => `${who} (${mode}, fencing token ${fencingToken})`

/** Who held a lock when, over one case. */
export class History {
  readonly begun: number = hostNow()
  readonly holdings: Holding[] = []
  readonly troubles: Trouble[] = []
  /** How many may hold at once, unless all of them are readers. */
  permits = 1

  hold(holding: Omit<Holding, 'until' | 'end'>, until: number = Number.POSITIVE_INFINITY): Holding {
    const held: Holding = { ...holding, until, end: undefined }
    this.holdings.push(held)
    return held
  }

  /** `at`: of what happened at once; else it goes on until its `until` is set. */
  trouble(kind: string, who?: string, at?: number): Trouble {
    const trouble: Trouble = { kind, who, from: at ?? hostNow(), until: at ?? Number.POSITIVE_INFINITY }
    this.troubles.push(trouble)
    return trouble
  }

  /** All trouble is over. */
  calm(): void {
    const now = hostNow()
    for (const trouble of this.troubles) trouble.until = Math.min(trouble.until, now)
  }

  /** Those which must not have been at the same time. Exact: no tolerance is needed on one clock. */
  overlaps(): readonly Overlap[] {
    const overlaps: Overlap[] = []
    const inside = new Set<Holding>()
    let since = 0
    for (const { at, holding, enters } of this.#edges()) {
      const before = [...inside]
      if (!this.#compatible(before) && at > since) overlaps.push({ from: since, until: at, holdings: before })
      if (enters) inside.add(holding)
      else inside.delete(holding)
      since = at
    }
    return overlaps
  }

  /** Grants whose fencing token is not above that of a grant before it. */
  descents(): readonly (readonly [before: Holding, after: Holding])[] {
    const ordered = this.holdings.toSorted((a, b) => a.from - b.from)
    return ordered.flatMap((after, index) => {
      const before = ordered[index - 1]
      return before !== undefined && after.fencingToken <= before.fencingToken ? [[before, after] as const] : []
    })
  }

  /** Nobody held while somebody else did. */
  assertApart(): void {
    const [overlap, ...more] = this.overlaps()
    if (overlap === undefined) return
    const { from, until, holdings } = overlap
    const others = more.length === 0 ? '' : `, and ${more.length} more times`
    throw new Violation(
      `for ${(until - from).toFixed(2)} ms held at once: ${holdings.map(shown).join(' and ')}${others}`,
    )
  }

  /** The tokens rose from one grant to the next. */
  assertRising(): void {
    const [descent] = this.descents()
    if (descent !== undefined) throw new Violation(`${shown(descent[1])} was granted after ${shown(descent[0])}`)
  }

  /** Ends come before beginnings of the same moment. */
  #edges(): { readonly at: number; readonly holding: Holding; readonly enters: boolean }[] {
    const lasting = this.holdings.filter(({ from, until }) => until > from)
    const edges = lasting.flatMap((holding) => [
      { at: holding.from, holding, enters: true },
      { at: holding.until, holding, enters: false },
    ])
    return edges.sort((a, b) => a.at - b.at || Number(a.enters) - Number(b.enters))
  }

  #compatible(holdings: readonly Holding[]): boolean {
    return holdings.length <= this.permits || holdings.every(({ mode }) => mode === 'shared')
  }
}
