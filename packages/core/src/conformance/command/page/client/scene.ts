import type { Timeline } from '../../../report.ts'
import { common, type Holding, type Lane, type Overlap, type Trouble } from './lanes.ts'
import { BAR, clipped, LANE, type Layout, LETTER, laneTop, xOf } from './layout.ts'
import { ticksOf } from './ticks.ts'

/** What a picture is made of: all that looks the same in a lane is one path, so that thousands of holdings are few elements. */
export type Shape =
  | { readonly kind: 'path'; readonly look: string; readonly d: string }
  | { readonly kind: 'text'; readonly look: string; readonly x: number; readonly y: number; readonly text: string }

const MODES = ['exclusive', 'shared', 'semaphore'] as const
const TICKS_APART = 90
const DIGIT = 6.6
/** What is shorter than this many pixels is drawn so wide: nothing disappears. */
const LEAST = 1
const LEAST_OVERLAP = 2
/** What is shorter than `SHORT` pixels, and closer to its neighbour than `APART`, is one with it. */
const SHORT = 2
const APART = 0.5

interface Stretch {
  readonly from: number
  readonly until: number
}

/** Everything there is to draw, from back to front. */
export function sceneOf(timeline: Timeline, lanes: readonly Lane[], layout: Layout): readonly Shape[] {
  return [
    ...bands(common(timeline), layout.lanesTop - 4, layout.lanesBottom, layout),
    ...names(common(timeline), layout.lanesTop - 8, layout, () => true),
    ...grid(lanes, layout),
    ...lanes.flatMap((lane, index) => laneShapes(lane, index, layout)),
    ...overlaps(timeline, lanes, layout),
    ...tokens(timeline, lanes, layout),
  ]
}

function grid(lanes: readonly Lane[], layout: Layout): readonly Shape[] {
  const { left, width, lanesTop, lanesBottom, view } = layout
  const ticks = ticksOf(view, width - left, TICKS_APART)
  const rules = lanes.map((_, index) => `M0 ${laneTop(index, layout) + LANE - 0.5}H${width}`)
  return [
    { kind: 'path', look: 'rule', d: rules.join('') },
    {
      kind: 'path',
      look: 'tick',
      d: ticks.map(({ at }) => `M${px(xOf(at, layout))} ${lanesTop}V${lanesBottom + 5}`).join(''),
    },
    ...ticks.map(({ at, label }): Shape => {
      const x = xOf(at, layout)
      const place = x > width - 28 ? 'tick-label end' : x < left + 12 ? 'tick-label start' : 'tick-label'
      return { kind: 'text', look: place, x: Math.min(x, width), y: lanesBottom + 17, text: label }
    }),
  ]
}

function laneShapes({ who, holdings, troubles }: Lane, index: number, layout: Layout): readonly Shape[] {
  const top = laneTop(index, layout)
  const bar = top + (LANE - BAR) / 2
  const name = { kind: 'text', look: 'who', x: 0, y: top + LANE / 2 + 4, text: clipped(who, layout.left - 8) } as const
  const paths = MODES.flatMap((mode): readonly Shape[] => {
    const d = rectangles(
      holdings.filter(({ holding }) => holding.mode === mode).map(({ holding }) => holding),
      bar,
      BAR,
      LEAST,
      layout,
    )
    return d === '' ? [] : [{ kind: 'path', look: `held ${mode}`, d }]
  })
  const own = bands(troubles, top, top + LANE - 1, layout)
  const free = (left: number, right: number): boolean =>
    holdings.every(({ holding }) => xOf(holding.until, layout) < left || xOf(holding.from, layout) > right)
  return [...own, name, ...names(troubles, top + LANE / 2 + 4, layout, free), ...paths]
}

/** Fencing tokens, where there is room for them; of long ones that begin alike, what tells them apart. */
function tokens({ holdings: all }: Timeline, lanes: readonly Lane[], layout: Layout): readonly Shape[] {
  const shared = sharedPrefix(all.map(({ fencingToken }) => fencingToken))
  const name = ({ fencingToken, from, until }: Holding, y: number): readonly Shape[] => {
    const [start, end] = inside(from, until, layout)
    const room = Math.floor((end - start - 6) / DIGIT)
    const text = room >= fencingToken.length || shared < 3 ? fencingToken : `…${fencingToken.slice(shared)}`
    return room < text.length ? [] : [{ kind: 'text', look: 'token', x: (start + end) / 2, y, text }]
  }
  return lanes.flatMap(({ holdings }, index) =>
    holdings.flatMap(({ holding }) => name(holding, laneTop(index, layout) + LANE / 2 + 4)),
  )
}

/** How many characters all texts begin with, less the last one of each. */
function sharedPrefix([first = '', ...others]: readonly string[]): number {
  let length = first.length - 1
  for (const other of others) {
    length = Math.min(length, other.length - 1)
    while (length > 0 && other.slice(0, length) !== first.slice(0, length)) length -= 1
  }
  return Math.max(0, length)
}

/** Trouble: a band while it lasts, a line where it happens at once. */
function bands(troubles: readonly Trouble[], top: number, bottom: number, layout: Layout): readonly Shape[] {
  const lasting = troubles.filter(({ from, until }) => until > from)
  const moments = troubles.filter((trouble) => trouble.until <= trouble.from && isSeen(trouble, layout))
  const lines = moments.map(({ from }) => px(xOf(from, layout))).map((x) => `M${x} ${top}V${bottom}`)
  const band = rectangles(lasting, top, bottom - top, LEAST, layout)
  return [
    ...(band === '' ? [] : [{ kind: 'path', look: 'trouble', d: band } as const]),
    ...(lines.length === 0 ? [] : [{ kind: 'path', look: 'moment', d: lines.join('') } as const]),
  ]
}

/** What the trouble was, at its beginning, where there is room for it. */
function names(
  troubles: readonly Trouble[],
  y: number,
  layout: Layout,
  isFree: (left: number, right: number) => boolean,
): readonly Shape[] {
  const ordered = troubles.toSorted((a, b) => a.from - b.from)
  return ordered.flatMap((trouble, index) => {
    if (!isSeen(trouble, layout)) return []
    const x = inside(trouble.from, trouble.until, layout)[0] + 3
    const next = ordered[index + 1]
    const limit = next === undefined ? layout.width : Math.min(layout.width, xOf(next.from, layout))
    const text = clipped(trouble.kind, limit - x - 3)
    const shown = text !== '' && isFree(x, x + text.length * LETTER)
    return shown ? [{ kind: 'text', look: 'trouble-name', x, y, text } as const] : []
  })
}

/** Red through all lanes, from the mark on top down; strongest in the lanes of those who held. */
function overlaps({ overlaps: all, holdings }: Timeline, lanes: readonly Lane[], layout: Layout): readonly Shape[] {
  if (all.length === 0) return []
  const { lanesTop, lanesBottom } = layout
  const marks = all
    .filter((overlap) => isSeen(overlap, layout))
    .map(({ from, until }) => inside(from, until, layout))
    .map(([start, end]) => px((start + Math.max(end, start + LEAST_OVERLAP)) / 2))
  const bars = lanes.map(({ who }, index) => {
    const its = all.filter((overlap) => isIn(overlap, who, holdings))
    return rectangles(its, laneTop(index, layout) + (LANE - BAR) / 2, BAR, LEAST_OVERLAP, layout)
  })
  return [
    { kind: 'path', look: 'overlap-band', d: rectangles(all, lanesTop, lanesBottom - lanesTop, LEAST_OVERLAP, layout) },
    { kind: 'path', look: 'overlap', d: bars.join('') },
    { kind: 'path', look: 'overlap', d: [...new Set(marks)].map((x) => `M${x} ${lanesTop}l-4 -7h8Z`).join('') },
  ]
}

const isIn = (overlap: Overlap, who: string, holdings: readonly Holding[]): boolean =>
  overlap.holdings.some((index) => holdings[index]?.who === who)

/** One path for all stretches in view. Short ones that could not be told apart are joined. */
function rectangles(stretches: readonly Stretch[], top: number, height: number, least: number, layout: Layout): string {
  const joined: [left: number, right: number][] = []
  for (const stretch of stretches) {
    if (!isSeen(stretch, layout)) continue
    const [start, end] = inside(stretch.from, stretch.until, layout)
    const left = Math.min(start, layout.width - least)
    const right = Math.max(end, left + least)
    const last = joined.at(-1)
    if (last !== undefined && right - left < SHORT && left < last[1] + APART) last[1] = Math.max(last[1], right)
    else joined.push([left, right])
  }
  return joined.map(([left, right]) => `M${px(left)} ${top}H${px(right)}V${top + height}H${px(left)}Z`).join('')
}

const isSeen = ({ from, until }: Stretch, { view }: Layout): boolean => until >= view.from && from <= view.until

/** Cut off at the edges of the view. */
function inside(from: number, until: number, layout: Layout): readonly [start: number, end: number] {
  const { left, width } = layout
  const cut = (at: number): number => Math.min(Math.max(xOf(at, layout), left), width)
  return [cut(from), cut(until)]
}

const px = (value: number): number => Math.round(value * 100) / 100
