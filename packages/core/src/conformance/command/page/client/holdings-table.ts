import type { Timeline } from '../../../report.ts'
import { element, type Part } from './dom.ts'
import type { Holding } from './lanes.ts'
import { length } from './ticks.ts'
import { exact } from './words.ts'

const TITLES = ['holder', 'mode', 'token', 'from', 'until', 'for', 'end']

/** All holdings as text; made when somebody asks for it. */
export function holdingsTable({ holdings }: Timeline): Part {
  const details = element(
    'details',
    { class: 'as-table' },
    element('summary', {}, `${holdings.length} holdings as a table`),
  )
  let made = false
  details.addEventListener('toggle', () => {
    if (made) return
    made = true
    const head = element('tr', {}, ...TITLES.map((title) => element('th', { scope: 'col' }, title)))
    const rows = holdings.toSorted((a, b) => a.from - b.from).map(row)
    const table = element('table', {}, element('thead', {}, head), element('tbody', {}, ...rows))
    details.append(element('div', { class: 'scrolled' }, table))
  })
  return details
}

function row({ who, mode, fencingToken, from, until, end }: Holding): Part {
  const cells = [who, mode, fencingToken, exact(from), exact(until), length(until - from), end]
  return element('tr', {}, ...cells.map((cell) => element('td', {}, cell)))
}
