import type { Lane } from './lanes.ts'
import type { View } from './view.ts'

/** Where everything is, in pixels. */
export interface Layout {
  readonly width: number
  readonly height: number
  /** Where the lanes' names end and time begins. */
  readonly left: number
  readonly lanesTop: number
  readonly lanesBottom: number
  readonly view: View
}

/** Room for the names of the troubles, above the lanes. */
const TOP = 20
const AXIS = 22
export const LANE = 26
/** Of a lane's height, what a holding covers. */
export const BAR = 16
/** Of a letter, about. */
export const LETTER = 6.3
const WIDEST_NAME = 150

export function layoutOf(lanes: readonly Lane[], width: number, view: View): Layout {
  const longest = Math.max(0, ...lanes.map(({ who }) => who.length))
  const left = Math.ceil(Math.min(longest * LETTER + 14, WIDEST_NAME, width / 3))
  const lanesBottom = TOP + LANE * lanes.length
  return { width, height: lanesBottom + AXIS, left, lanesTop: TOP, lanesBottom, view }
}

/** Where an instant is; beside the screen for those that are not in view. */
export function xOf(at: number, { view, left, width }: Layout): number {
  return left + ((at - view.from) / (view.until - view.from)) * (width - left)
}

/** Which instant is at a place. */
export function instantAt(x: number, { view, left, width }: Layout): number {
  return view.from + ((x - left) / Math.max(1, width - left)) * (view.until - view.from)
}

export const laneTop = (index: number, { lanesTop }: Layout): number => lanesTop + index * LANE

/** As many letters of a text as `room` pixels hold. */
export function clipped(text: string, room: number): string {
  const letters = Math.floor(room / LETTER)
  if (text.length <= letters) return text
  return letters < 3 ? '' : `${text.slice(0, letters - 1)}…`
}
