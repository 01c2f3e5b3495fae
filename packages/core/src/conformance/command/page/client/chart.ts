import type { Timeline } from '../../../report.ts'
import { browser, element, type Part } from './dom.ts'
import { gestures } from './gestures.ts'
import { hitAt } from './hit.ts'
import { holdingsTable } from './holdings-table.ts'
import { lanesOf } from './lanes.ts'
import { type Layout, layoutOf } from './layout.ts'
import { legend } from './legend.ts'
import { overlapList } from './overlap-list.ts'
import { paint, picture } from './paint.ts'
import { sceneOf } from './scene.ts'
import { tooltip } from './tooltip.ts'
import { around, panned, type View, whole, zoomed } from './view.ts'
import { hitText, summed } from './words.ts'

const KEYS = 'Plus and minus zoom, the arrows move, 0 shows everything.'

/** Fills `place` with who held when. */
export function chart(place: Part, timeline: Timeline): void {
  const lanes = lanesOf(timeline)
  const all = timeline.length
  let view = whole(all)
  let layout: Layout = layoutOf(lanes, 800, view)
  let waiting = false

  const svg = picture()
  svg.setAttribute('tabindex', '0')
  svg.setAttribute('role', 'group')
  svg.setAttribute('aria-label', `Who held when: ${summed(timeline)}. ${KEYS}`)
  const tip = tooltip()
  const frame = element('div', { class: 'frame' }, svg, tip.part)
  const isWhole = (): boolean => view.until - view.from >= whole(all).until

  const draw = (): void => {
    waiting = false
    const width = frame.clientWidth
    if (width === 0) return
    layout = layoutOf(lanes, width, view)
    paint(svg, sceneOf(timeline, lanes, layout), width, layout.height)
  }
  /** Once per frame, however many wishes there are. */
  const redraw = (): void => {
    if (!waiting) browser.requestAnimationFrame(draw)
    waiting = true
  }
  const show = (next: View): void => {
    view = next
    tip.hide()
    redraw()
  }
  const reset = (): void => show(whole(all))
  const zoom = (factor: number, at: number): void => show(zoomed(view, factor, at, all))

  gestures(svg, () => layout.left, isWhole, {
    zoom,
    pan: (by) => show(panned(view, by, all)),
    reset,
    point(at) {
      const lines = at === undefined ? [] : hitText(hitAt(at.x, at.y, timeline, lanes, layout))
      if (at === undefined || lines.length === 0) tip.hide()
      else tip.show(lines, at.x, at.y, layout.width)
    },
  })
  place.append(
    legend(timeline, { closer: () => zoom(2, 0.5), wider: () => zoom(0.5, 0.5), reset }),
    frame,
    ...overlapList(timeline, ({ from, until }) => {
      show(around(from, until, all))
      svg.scrollIntoView({ block: 'nearest' })
    }),
    holdingsTable(timeline),
  )
  new browser.ResizeObserver(redraw).observe(frame)
  browser.addEventListener('beforeprint', draw)
}
