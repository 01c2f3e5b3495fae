import { describe, expect, test } from 'vitest'
import { hitAt } from '../src/conformance/command/page/client/hit.ts'
import { lanesOf } from '../src/conformance/command/page/client/lanes.ts'
import { LANE, type Layout, layoutOf, xOf } from '../src/conformance/command/page/client/layout.ts'
import { type Shape, sceneOf } from '../src/conformance/command/page/client/scene.ts'
import { ticksOf } from '../src/conformance/command/page/client/ticks.ts'
import { around, panned, type View, whole, zoomed } from '../src/conformance/command/page/client/view.ts'
import { overlapText, summed } from '../src/conformance/command/page/client/words.ts'
import type { Timeline } from '../src/conformance/report.ts'

const holding = (who: string, from: number, until: number, more: Partial<Timeline['holdings'][number]> = {}) =>
  ({ who, mode: 'exclusive', fencingToken: '7', from, until, end: 'released', ...more }) as const

const timelineOf = (parts: Partial<Timeline>): Timeline => ({
  permits: 1,
  length: 1_000,
  holdings: [],
  troubles: [],
  overlaps: [],
  ...parts,
})

interface Drawn {
  readonly layout: Layout
  readonly shapes: readonly Shape[]
  look(name: string): readonly Shape[]
  text(look: string): readonly string[]
}

function draw(timeline: Timeline, view: View = whole(timeline.length), width = 1_000): Drawn {
  const lanes = lanesOf(timeline)
  const layout = layoutOf(lanes, width, view)
  const shapes = sceneOf(timeline, lanes, layout)
  const look = (name: string): readonly Shape[] => shapes.filter((shape) => shape.look === name)
  const text = (name: string) => look(name).flatMap((shape) => (shape.kind === 'text' ? [shape.text] : []))
  return { layout, shapes, look, text }
}

/** The rectangles of a path: left, top, right, bottom. */
const boxes = (shapes: readonly Shape[]): readonly (readonly number[])[] =>
  shapes.flatMap((shape) =>
    shape.kind === 'path'
      ? [...shape.d.matchAll(/M([\d.]+) ([\d.]+)H([\d.]+)V([\d.]+)/g)].map((match) => match.slice(1, 5).map(Number))
      : [],
  )

describe('lanes', () => {
  test('are one per holder, in the order that people count', () => {
    const lanes = lanesOf(
      timelineOf({ holdings: ['client 10', 'client 2', 'client 1'].map((who) => holding(who, 0, 1)) }),
    )
    expect(lanes.map(({ who }) => who)).toEqual(['client 1', 'client 2', 'client 10'])
  })

  test('carry the trouble of their own client, also for its tasks, and of nobody else', () => {
    const troubles = [{ kind: 'isolate', who: 'client 1', from: 0, until: 5 }]
    const holdings = ['client 1a', 'client 1b', 'client 10', 'client 2'].map((who) => holding(who, 0, 1))
    const lanes = lanesOf(timelineOf({ holdings, troubles }))
    expect(lanes.filter((lane) => lane.troubles.length > 0).map(({ who }) => who)).toEqual(['client 1a', 'client 1b'])
  })

  test('are there for who had trouble and never held', () => {
    const troubles = [{ kind: 'stopped', who: 'process 3', from: 0, until: 5 }]
    expect(lanesOf(timelineOf({ holdings: [holding('process 1', 0, 1)], troubles })).map(({ who }) => who)).toEqual([
      'process 1',
      'process 3',
    ])
  })
})

describe('a timeline', () => {
  test('has a bar for each holding, by its mode, as long as it lasted', () => {
    const { layout, look } = draw(
      timelineOf({ holdings: [holding('a', 100, 200), holding('b', 300, 400, { mode: 'shared' })] }),
    )
    const [[left, top, right] = []] = boxes(look('held exclusive'))
    expect(left).toBeCloseTo(xOf(100, layout), 1)
    expect(right).toBeCloseTo(xOf(200, layout), 1)
    const [[, below] = []] = boxes(look('held shared'))
    expect(below).toBe((top ?? 0) + LANE)
  })

  test('names the token where there is room, of long ones at least what tells them apart', () => {
    const token = (fencingToken: string) => ({ fencingToken })
    const [first, second] = [token('1760000000001234'), token('1760000000001300')]
    const holdings = [holding('a', 0, 60, first), holding('b', 100, 105, first), holding('c', 200, 900, second)]
    expect(draw(timelineOf({ holdings })).text('token')).toEqual(['…234', '1760000000001300'])
    const short = [holding('a', 0, 60, token('17')), holding('b', 100, 160, token('170'))]
    expect(draw(timelineOf({ holdings: short })).text('token')).toEqual(['17', '170'])
  })

  test('shows trouble of everybody behind all lanes, that of one in its lane, and what happens at once as a line', () => {
    const { layout, look, text } = draw(
      timelineOf({
        holdings: [holding('a', 0, 10), holding('b', 20, 30)],
        troubles: [
          { kind: 'pause', from: 100, until: 300 },
          { kind: 'isolate', who: 'b', from: 400, until: 500 },
          { kind: 'disconnect', from: 700, until: 700 },
        ],
      }),
    )
    const [all = [], own = []] = boxes(look('trouble'))
    expect((all[3] ?? 0) - (all[1] ?? 0)).toBeGreaterThanOrEqual(2 * LANE)
    expect((own[3] ?? 0) - (own[1] ?? 0)).toBeLessThanOrEqual(LANE)
    expect(own[1]).toBe(layout.lanesTop + LANE)
    expect(look('moment')).toHaveLength(1)
    expect(text('trouble-name')).toEqual(['pause', 'disconnect', 'isolate'])
  })

  test('names the trouble of one holder where its bars leave room', () => {
    const troubles = [{ kind: 'isolate', who: 'a', from: 400, until: 500 }]
    const names = (from: number) =>
      draw(timelineOf({ holdings: [holding('a', from, 480)], troubles })).text('trouble-name')
    expect([names(470), names(410)]).toEqual([['isolate'], []])
  })

  const overlapping = timelineOf({
    holdings: [holding('a', 100, 200), holding('b', 199.99, 300, { fencingToken: '8' }), holding('c', 400, 500)],
    overlaps: [{ from: 199.99, until: 200, holdings: [0, 1] }],
  })

  test('shows an overlap through all lanes and in those of its holders, however short it was', () => {
    const { look } = draw(overlapping)
    const [band = []] = boxes(look('overlap-band'))
    expect((band[2] ?? 0) - (band[0] ?? 0)).toBeGreaterThanOrEqual(2)
    expect((band[3] ?? 0) - (band[1] ?? 0)).toBe(3 * LANE)
    expect(boxes(look('overlap'))).toHaveLength(2)
    expect(look('overlap')).toHaveLength(2)
  })

  test('without overlaps shows none', () => {
    expect(draw(timelineOf({ holdings: [holding('a', 0, 10)] })).look('overlap')).toEqual([])
  })

  test('of thousands of holdings is few elements, and hides none that can be told apart', () => {
    const holdings = Array.from({ length: 20_000 }, (_, index) => holding(`client ${index % 4}`, index, index + 0.9))
    const timeline = timelineOf({ length: 20_000, holdings })
    const whole = draw(timeline)
    expect(whole.shapes.length).toBeLessThan(60)
    expect(boxes(whole.look('held exclusive')).length).toBeLessThan(4 * 1_000)
    const close = draw(timeline, { from: 3_000, until: 3_030 })
    expect(boxes(close.look('held exclusive')).length).toBeGreaterThanOrEqual(30)
    expect(close.text('token')).toHaveLength(30)
  })

  test('draws nothing beside the view', () => {
    const { layout, shapes } = draw(overlapping, { from: 120, until: 199.995 })
    for (const [left = 0, , right = 0] of boxes(shapes.filter(({ look }) => look !== 'rule'))) {
      expect(left).toBeGreaterThanOrEqual(layout.left)
      expect(right).toBeLessThanOrEqual(1_000)
    }
  })

  test('tells what is under the pointer, also of what is too short to be met', () => {
    const troubles = [{ kind: 'pause', from: 100, until: 300 }]
    const timeline = timelineOf({ holdings: [holding('a', 150, 150.1), holding('b', 600, 700)], troubles })
    const lanes = lanesOf(timeline)
    const layout = layoutOf(lanes, 1_000, whole(1_000))
    const hit = hitAt(xOf(151, layout), layout.lanesTop + 3, timeline, lanes, layout)
    expect([hit.holding?.who, hit.troubles.map(({ kind }) => kind)]).toEqual(['a', ['pause']])
    expect(hitAt(xOf(151, layout), layout.lanesTop + LANE + 3, timeline, lanes, layout).holding).toBeUndefined()
  })

  test('is told in words', () => {
    expect(summed(overlapping)).toBe('3 holdings by 3 holders in 1.00 s, 1 overlap')
    const [overlap] = overlapping.overlaps
    expect(overlap && overlapText(overlap, overlapping.holdings)).toBe('overlap 0.010 ms: a token 7 and b token 8')
  })
})

describe('a view', () => {
  test('keeps the place under the cursor when it zooms, and stays inside', () => {
    expect(zoomed({ from: 0, until: 100 }, 2, 0.5, 100)).toEqual({ from: 25, until: 75 })
    expect(zoomed({ from: 25, until: 75 }, 0.1, 0.5, 100)).toEqual({ from: 0, until: 100 })
    expect(panned({ from: 50, until: 90 }, 1, 100)).toEqual({ from: 60, until: 100 })
    expect(panned({ from: 50, until: 90 }, -9, 100)).toEqual({ from: 0, until: 40 })
  })

  test('of an overlap has room on both sides', () => {
    const { from, until } = around(500, 510, 1_000)
    expect([from, until]).toEqual([490, 520])
    expect(around(0, 0.001, 1_000).from).toBe(0)
  })

  test.for([
    [0, 1_000, ['0', '200 ms', '400 ms', '600 ms', '800 ms', '1.0 s']],
    [0, 12_000, ['0', '2 s', '4 s', '6 s', '8 s', '10 s', '12 s']],
    [1_000, 1_004, ['1000 ms', '1001 ms', '1002 ms', '1003 ms', '1004 ms']],
    [5, 5.01, ['5.000 ms', '5.002 ms', '5.004 ms', '5.006 ms', '5.008 ms', '5.010 ms']],
  ] as const)('from %d to %d has round ticks', ([from, until, labels]) => {
    expect(ticksOf({ from, until }, 600, 90).map(({ label }) => label)).toEqual(labels)
  })
})
