import type { Listener } from '../conduct.ts'
import type { CaseReport } from '../report.ts'
import type { Sink } from './sink.ts'
import { duration } from './text.ts'

/** A line for each case, as it ends: `passed  exclusion: two contenders never hold at once  (31 ms)`. */
export class Lines implements Listener {
  readonly #sink: Sink

  constructor(sink: Sink) {
    this.#sink = sink
  }

  begins(): void {}

  ended({ theme, title, outcome, took, standstills = [] }: CaseReport): void {
    const { write, paint } = this.#sink
    const word = paint(outcome === 'passed' ? 'green' : 'red', outcome)
    const again = standstills.map((stoodStill) => `, again as the machine stood still for ${duration(stoodStill)}`)
    write(`${word}  ${theme}: ${title}  ${paint('dim', `(${duration(took)}${again.join('')})`)}\n`)
  }
}
