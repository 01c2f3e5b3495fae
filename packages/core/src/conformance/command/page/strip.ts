import type { Timeline } from '../../report.ts'
import { html, type Markup } from './html.ts'

const WIDTH = 120
const HEIGHT = 10

interface Stretch {
  readonly from: number
  readonly until: number
}

/** A timeline at a glance, in one line: held or not, trouble behind, overlaps in front. */
export function strip({ length, holdings, troubles, overlaps }: Timeline): Markup {
  const path = (stretches: readonly Stretch[], top: number, height: number): string =>
    columnsOf(stretches, length)
      .map(([from, until]) => `M${from} ${top}H${until}V${top + height}H${from}Z`)
      .join('')
  return html`<svg class="strip" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
<path class="trouble" d="${path(troubles, 0, HEIGHT)}"/><path class="held" d="${path(holdings, 3, 4)}"/><path
 class="overlap" d="${path(overlaps, 0, HEIGHT)}"/></svg>`
}

/** As whole columns, so that nothing is too short to be seen, and joined, so that there are few however many there were. */
function columnsOf(stretches: readonly Stretch[], length: number): readonly (readonly [number, number])[] {
  const columns = new Set<number>()
  const scale = WIDTH / Math.max(length, 1e-6)
  for (const { from, until } of stretches) {
    const last = Math.max(from * scale + 1, until * scale)
    for (let column = Math.floor(from * scale); column < last && column < WIDTH; column += 1) columns.add(column)
  }
  const joined: [number, number][] = []
  for (const column of [...columns].sort((a, b) => a - b)) {
    const open = joined.at(-1)
    if (open?.[1] === column) open[1] = column + 1
    else joined.push([column, column + 1])
  }
  return joined
}
