import type { Timeline } from '../../../report.ts'
import { element, type Part } from './dom.ts'
import type { Overlap } from './lanes.ts'
import { overlapText } from './words.ts'

/** As many as anybody reads. */
const MOST = 50

/** Each overlap in words, to be gone to. */
export function overlapList({ overlaps, holdings }: Timeline, goTo: (overlap: Overlap) => void): readonly Part[] {
  if (overlaps.length === 0) return []
  const items = overlaps.slice(0, MOST).map((overlap) => {
    const button = element('button', { type: 'button', title: 'Show it' }, overlapText(overlap, holdings))
    button.addEventListener('click', () => goTo(overlap))
    return element('li', {}, button)
  })
  if (overlaps.length > MOST) items.push(element('li', {}, `and ${overlaps.length - MOST} more`))
  return [element('ul', { class: 'overlaps' }, ...items)]
}
