import type { Listener } from '../conduct.ts'
import type { Plan, PlannedCase } from '../plan.ts'
import type { CaseReport } from '../report.ts'
import { finished, type ThemeProgress, themesOf } from './progress.ts'
import { columnsOf, row } from './row.ts'
import type { Sink } from './sink.ts'

const FRAME = 80
const HIDE_CURSOR = '\u001b[?25l'
const SHOW_CURSOR = '\u001b[?25h'
/** A line that is too long is cut off, not wrapped: the table must keep its height. */
const NO_WRAP = '\u001b[?7l'
const WRAP = '\u001b[?7h'
const ERASE_LINE = '\u001b[2K'
const ERASE_BELOW = '\u001b[J'

/**
 * One row per theme, drawn anew in place. Themes come one after the other, so the rows of finished ones are left standing;
 * of the others only as many are drawn as fit on the screen.
 */
export class LiveTable implements Listener {
  readonly #sink: Sink
  readonly #themes: readonly ThemeProgress[]
  #timer: NodeJS.Timeout | undefined
  readonly #restore = (): void => this.#sink.write(WRAP + SHOW_CURSOR)
  /** Rows that stand; rows below them that will be drawn again. */
  #standing = 0
  #drawn = 0

  constructor(sink: Sink, plan: Plan) {
    this.#sink = sink
    this.#themes = themesOf(plan)
  }

  start(): void {
    this.#timer = setInterval(() => this.#draw(), FRAME).unref()
    process.on('exit', this.#restore)
    this.#sink.write(HIDE_CURSOR)
    this.#draw()
  }

  begins({ theme, title }: PlannedCase): void {
    const found = this.#find(theme)
    found.atWork = { title, since: performance.now() }
  }

  ended({ theme, outcome }: CaseReport): void {
    const found = this.#find(theme)
    found.outcomes.push(outcome)
    found.took += performance.now() - (found.atWork?.since ?? performance.now())
    found.atWork = undefined
  }

  /** Puts what somebody else wrote above the rows that are still to be drawn again. */
  above(text: string): void {
    this.#sink.write(`${this.#up()}${ERASE_BELOW}${text}${text.endsWith('\n') ? '' : '\n'}`)
    this.#drawn = 0
    this.#draw()
  }

  /** Leaves the table standing. */
  finish(): void {
    clearInterval(this.#timer)
    for (const theme of this.#themes) theme.atWork = undefined
    this.#draw(Number.POSITIVE_INFINITY)
    this.#restore()
    process.off('exit', this.#restore)
  }

  #draw(room: number = this.#sink.rows - 2): void {
    const columns = columnsOf(this.#themes, this.#sink.columns)
    const now = performance.now()
    const rest = this.#themes.slice(this.#standing)
    const done = rest.findIndex((theme) => !finished(theme))
    const stays = done < 0 ? rest.length : done
    const shown = rest.slice(0, stays + Math.max(1, room))
    const lines = shown.map((theme) => `${ERASE_LINE}${row(theme, columns, this.#sink, now)}\n`)
    this.#sink.write(NO_WRAP + this.#up() + lines.join('') + ERASE_BELOW + WRAP)
    this.#standing += stays
    this.#drawn = shown.length - stays
  }

  #up(): string {
    return this.#drawn === 0 ? '' : `\u001b[${this.#drawn}A`
  }

  #find(name: string): ThemeProgress {
    const found = this.#themes.find((theme) => theme.name === name)
    if (found === undefined) throw new Error(`no theme "${name}" in the plan`)
    return found
  }
}
