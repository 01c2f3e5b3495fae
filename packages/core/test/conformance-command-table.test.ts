import { stripVTControlCharacters } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { divert } from '../src/conformance/command/divert.ts'
import { Lines } from '../src/conformance/command/lines.ts'
import { LiveTable } from '../src/conformance/command/live-table.ts'
import type { Sink } from '../src/conformance/command/sink.ts'
import { summary } from '../src/conformance/command/summary.ts'
import type { Plan, PlannedCase } from '../src/conformance/plan.ts'
import type { CaseReport, Report } from '../src/conformance/report.ts'
import { NativeBackend } from './native-backend.ts'

/** What a terminal shows of what is written to it. */
class Screen implements Sink {
  readonly live = true
  readonly columns: number
  readonly rows: number
  /** How far up the cursor was moved at once, at most. */
  highest = 0
  #lines: string[] = ['']
  #row = 0

  constructor(columns = 100, rows = 40) {
    this.columns = columns
    this.rows = rows
  }

  get lines(): readonly string[] {
    return this.#lines.slice(0, -1)
  }

  paint(_: unknown, text: string): string {
    return text
  }

  readonly write = (text: string): void => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is a terminal
    for (const [token] of text.matchAll(/\u001b\[[?\d]*[A-Za-z]|\n|[^\n\u001b]+/g)) {
      const code = token.at(-1)
      if (token === '\n') this.#row += 1
      else if (!token.startsWith('\u001b')) this.#lines[this.#row] += token
      else if (code === 'K') this.#lines[this.#row] = ''
      else if (code === 'J') this.#lines = [...this.#lines.slice(0, this.#row), '']
      else if (code === 'A') {
        this.highest = Math.max(this.highest, Number.parseInt(token.slice(2), 10))
        this.#row -= Number.parseInt(token.slice(2), 10)
      }
      this.#lines[this.#row] ??= ''
    }
  }
}

const planned = (theme: string, title: string): PlannedCase => ({ theme, title, timeout: 1, run: async () => {} })
const planOf = (...themes: readonly (readonly [string, number])[]): Plan => ({
  seed: 1,
  cases: themes.flatMap(([theme, cases]) => Array.from({ length: cases }, (_, index) => planned(theme, `${index}`))),
  leftOut: [],
})
const report = (theme: string, title: string, outcome: CaseReport['outcome'] = 'passed'): CaseReport => ({
  theme,
  title,
  outcome,
  took: 12,
  failure: outcome === 'failed' ? { message: 'seen\ninstead', stack: 'at body (cases/a.js:1:2)' } : undefined,
})

describe('the table', () => {
  let table: LiveTable | undefined
  afterEach(() => table?.finish())

  function run(plan: Plan, screen: Screen, until: number, failing: readonly string[] = []): LiveTable {
    table = new LiveTable(screen, plan)
    table.start()
    for (const one of plan.cases.slice(0, until)) {
      table.begins(one)
      const name = `${one.theme} ${one.title}`
      table.ended(report(one.theme, one.title, failing.includes(name) ? 'failed' : 'passed'))
      table.above('')
    }
    return table
  }

  test('has a row for each theme: a cell for each case, how many passed, what is at work', () => {
    const screen = new Screen()
    const plan = planOf(['alpha', 3], ['beta gamma', 2], ['delta', 1])
    const live = run(plan, screen, 3, ['alpha 1'])
    live.begins(planned('beta gamma', 'a case that is at work'))
    live.above('said by the adapter')
    const rows = screen.lines.filter((line) => line !== '')
    expect(rows).toEqual([
      expect.stringMatching(/^ {2}✗ alpha {7}2\/3 {2}■✗■ +<1 ms {2}1 failed$/),
      'said by the adapter',
      expect.stringMatching(/^ {2}▸ beta gamma {2}0\/2 {2}□· +(<1|\d+) ms {2}a case that is at work$/),
      expect.stringMatching(/^ {4}delta {9}1 {2}·$/),
    ])
  })

  test('ends with every theme in it', () => {
    const screen = new Screen()
    run(planOf(['alpha', 2], ['beta', 1]), screen, 3).finish()
    expect(screen.lines.filter((line) => line.startsWith('  ✓'))).toHaveLength(2)
  })

  test('fits on a low screen: the cursor never goes above it', () => {
    const screen = new Screen(80, 6)
    const themes = Array.from({ length: 20 }, (_, index) => [`theme ${index}`, 1] as const)
    run(planOf(...themes), screen, 20).finish()
    expect(screen.highest).toBeLessThan(6)
    expect(screen.lines.filter((line) => line.startsWith('  ✓'))).toHaveLength(20)
  })

  test.for([30, 40, 60, 80])('is no wider than a terminal of %i columns', (columns) => {
    const screen = new Screen(columns)
    const live = run(planOf(['local deadline', 15], ['unknown outcome', 15]), screen, 4, ['local deadline 2'])
    live.begins(planned('local deadline', 'a long title that would need many columns of a terminal'))
    live.above('')
    for (const line of screen.lines) expect(line.length).toBeLessThanOrEqual(columns)
    expect(screen.lines.join('\n')).toContain('3/15')
  })
})

const plain = (lines: string[]): Sink => ({
  live: false,
  columns: 80,
  rows: 24,
  write: (text) => lines.push(text),
  paint: (_, text) => text,
})

test('off a terminal each case is one line, its outcome first', () => {
  const written: string[] = []
  const lines = new Lines(plain(written))
  lines.ended(report('alpha', 'does this'))
  lines.ended(report('alpha', 'does that', 'failed'))
  expect(written).toEqual(['passed  alpha: does this  (12 ms)\n', 'failed  alpha: does that  (12 ms)\n'])
})

describe('the summary', () => {
  const sink = plain([])
  const whole: Report = {
    version: 1,
    target: 'mine',
    seed: 77,
    only: [],
    startedAt: '2026-01-02T03:04:05.678Z',
    took: 61_000,
    platform: 'Node.js',
    capabilities: NativeBackend.capabilities,
    passed: 2,
    failed: 0,
    cases: [report('alpha', 'a'), report('alpha', 'b')],
    notRun: [],
    leftOut: [],
  }
  const text = (changes: Partial<Report>, html?: string): string =>
    stripVTControlCharacters(summary({ ...whole, ...changes }, { file: './my target.js', html }, sink))

  test('counts, and says how to repeat the run', () => {
    expect(text({})).toMatch(/✓ 2 passed {2}in 1:01 m\n {2}again: locks-conformance '\.\/my target\.js' --seed 77\n$/)
    expect(text({ only: ['alpha'] }, 'r.html')).toMatch(/--seed 77 --only alpha\n {2}page: r\.html\n$/)
  })

  test('tells failures in full, and how to run only them', () => {
    const failed = text({ cases: [report('alpha', 'a', 'failed'), report('alpha', 'b')], passed: 1, failed: 1 })
    expect(failed).toContain('  ✗ alpha: a\n    seen\n    instead\n      at body (cases/a.js:1:2)\n')
    expect(failed).toContain("✗ 1 failed, 1 passed  in 1:01 m\n  these again: locks-conformance './my target.js'")
    expect(failed).toContain("--only 'alpha: a'")
  })

  test('says what was left out, and for want of what', () => {
    const one = { theme: 'outage', title: 'x', needs: ['the fault "pause"'] }
    const leftOut = text({ leftOut: [{ ...one, needs: ['some fault'] }, one, { ...one, title: 'y' }] })
    expect(leftOut).toContain('  2 cases need the fault "pause"\n   1 case needs some fault\n')
    expect(leftOut).toContain('✓ 2 passed, 3 left out')
  })

  test('of an interrupted run says where it was', () => {
    const { title, theme } = report('beta', 'c')
    expect(text({ notRun: [{ theme, title }] })).toContain(
      '! 2 passed, 1 not run  in 1:01 m\n  interrupted at: beta: c\n',
    )
  })
})

test('what others write is diverted, and comes through again afterwards', async () => {
  const own: string[] = []
  const stream = { write: (text: string) => own.push(text) > 0 } as unknown as NodeJS.WriteStream
  const heard: string[] = []
  const restore = divert([stream], (text) => heard.push(text))
  await new Promise<void>((resolve) => {
    stream.write(Buffer.from('a'), () => resolve())
  })
  restore()
  stream.write('b')
  expect([heard, own]).toEqual([['a'], ['b']])
})
