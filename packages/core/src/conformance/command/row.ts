import { failures, finished, type ThemeProgress } from './progress.ts'
import type { Sink, Style } from './sink.ts'
import { duration, fitted } from './text.ts'

/** The widths of a table's columns. */
export interface Columns {
  readonly name: number
  readonly count: number
  readonly cells: number
  readonly time: number
  readonly all: number
}

const TIME = 7
/** The left margin, the mark, and the gaps between columns. */
const MARK = 4
const GAP = 2
/** A note that has less room than this says nothing. */
const SHORTEST_NOTE = 12

export function columnsOf(themes: readonly ThemeProgress[], width: number): Columns {
  const longest = (lengths: readonly number[]): number => Math.max(0, ...lengths)
  const name = longest(themes.map((theme) => theme.name.length))
  const count = 1 + 2 * longest(themes.map(({ total }) => String(total).length))
  const cells = longest(themes.map(({ total }) => total))
  const counted = MARK + name + GAP + count
  const timed = counted + GAP + TIME
  // On a narrow terminal the cells go, then the times, not the counts.
  const fits = (wanted: number, used: number): number => (used <= width ? wanted : 0)
  return { name, count, cells: fits(cells, timed + GAP + cells), time: fits(TIME, timed), all: width }
}

/** `✓ exclusion       9/9  ■■■■■■■■■     0.4 s`, and behind it what is at work, or how many failed. */
export function row(theme: ThemeProgress, columns: Columns, sink: Pick<Sink, 'paint'>, now: number): string {
  const { name, total, outcomes, took, atWork } = theme
  const failed = failures(theme)
  const idle = outcomes.length === 0 && atWork === undefined
  const [mark, color]: readonly [string, Style] =
    failed > 0 ? ['✗', 'red'] : finished(theme) ? ['✓', 'green'] : [atWork ? '▸' : ' ', 'cyan']
  const counted = idle ? String(total) : `${outcomes.length - failed}/${total}`
  const spent = took + (atWork === undefined ? 0 : now - atWork.since)
  const parts = [
    `  ${sink.paint(color, mark)} ${sink.paint(idle ? 'dim' : 'plain', name.padEnd(columns.name))}`,
    sink.paint(failed > 0 ? 'red' : idle ? 'dim' : 'plain', counted.padStart(columns.count)),
    ...(columns.cells > 0 ? [cells(theme, columns.cells, sink)] : []),
    ...(columns.time > 0 ? [sink.paint('dim', (idle ? '' : duration(spent)).padStart(TIME))] : []),
  ]
  const optional = [columns.cells, columns.time].filter((width) => width > 0)
  const used = [MARK + columns.name, columns.count, ...optional].reduce((sum, width) => sum + GAP + width)
  const note = noteOf(theme, columns.all - used - GAP, now)
  return (
    parts.join('  ') + (note === '' ? '' : `  ${sink.paint(failed > 0 && !atWork ? 'red' : 'dim', note)}`)
  ).trimEnd()
}

/** One for each case. Told apart by shape as well: colors may be off. */
function cells({ outcomes, total, atWork }: ThemeProgress, width: number, { paint }: Pick<Sink, 'paint'>): string {
  const done = outcomes.map((outcome) => (outcome === 'passed' ? paint('green', '■') : paint('red', '✗')))
  const working = atWork === undefined ? [] : [paint('cyan', '□')]
  const left = total - done.length - working.length
  return done.join('') + working.join('') + paint('dim', '·'.repeat(left)) + ' '.repeat(width - total)
}

function noteOf(theme: ThemeProgress, width: number, now: number): string {
  const { atWork } = theme
  if (width < SHORTEST_NOTE) return ''
  const failed = failures(theme)
  if (atWork === undefined) return failed === 0 ? '' : `${failed} failed`
  const running = now - atWork.since
  const time = running < 1_000 ? '' : `  ${duration(running)}`
  return fitted(atWork.title, width - time.length) + time
}
