import type { Timeline } from '../../../report.ts'
import { common, type Holding, type Lane, type Trouble } from './lanes.ts'
import { instantAt, LANE, type Layout } from './layout.ts'

/** How far from a short stretch the pointer may be, in pixels. */
const NEAR = 3

export interface Hit {
  readonly holding: Holding | undefined
  readonly troubles: readonly Trouble[]
}

/** What is at a place of the picture. */
export function hitAt(x: number, y: number, timeline: Timeline, lanes: readonly Lane[], layout: Layout): Hit {
  const lane = lanes[Math.floor((y - layout.lanesTop) / LANE)]
  const at = instantAt(x, layout)
  const near = instantAt(x + NEAR, layout) - at
  const touches = ({ from, until }: Holding | Trouble): boolean => at >= from - near && at <= until + near
  const distance = ({ from, until }: Holding): number => Math.max(from - at, at - until, 0)
  if (x < layout.left || y > layout.lanesBottom) return { holding: undefined, troubles: [] }
  const [holding] = (lane?.holdings ?? [])
    .map((one) => one.holding)
    .filter(touches)
    .sort((a, b) => distance(a) - distance(b))
  return { holding, troubles: [...common(timeline), ...(lane?.troubles ?? [])].filter(touches) }
}
