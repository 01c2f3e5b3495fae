import { styleText } from 'node:util'
import type { Worker } from './crew.ts'

type Style = Parameters<typeof styleText>[0]

const FRAME = 40
const BAR = 20
/** A line that is too long is cut off, not wrapped: the table must keep its height. */
const NO_WRAP = '\u001b[?7l'
const WRAP = '\u001b[?7h'

/** A live table on a terminal; elsewhere only the events, as lines. */
export class View {
  readonly #live: boolean
  readonly #turns: number
  #drawn = 0
  #timer: NodeJS.Timeout | undefined
  #workers: readonly Worker[] = []
  #events: string[] = []

  constructor(turns: number) {
    this.#live = process.stdout.isTTY === true
    this.#turns = turns
  }

  readonly changed = (workers: readonly Worker[], event: string | null): void => {
    this.#workers = workers
    if (event !== null) {
      this.#events.push(event)
      if (!this.#live) console.log(`  ${event}`)
    }
    if (this.#live) this.#timer ??= setTimeout(() => this.#draw(), FRAME)
  }

  /** Draws the last state and leaves it standing. */
  finish(): void {
    clearTimeout(this.#timer)
    if (this.#live) this.#draw()
    else for (const worker of this.#workers) console.log(`  ${this.#row(worker)}`)
  }

  #draw(): void {
    this.#timer = undefined
    const lines = [
      ...this.#workers.map((worker) => this.#row(worker)),
      '',
      ...this.#events.map((event) => paint('yellow', event)),
    ]
    const up = this.#drawn === 0 ? '' : `\u001b[${this.#drawn}A`
    process.stdout.write(NO_WRAP + up + lines.map((line) => `\u001b[2K  ${line}\n`).join('') + WRAP)
    this.#drawn = lines.length
  }

  #row(worker: Worker): string {
    const { name, pid, turns, longestWait } = worker
    const full = Math.round((BAR * turns) / this.#turns)
    const bar = `${'█'.repeat(full)}${'░'.repeat(BAR - full)}`
    const color: Style = worker.state === 'killed' ? 'red' : worker.state === 'holds' ? 'green' : 'dim'
    const wait = longestWait === 0 ? '' : `longest wait ${String(Math.round(longestWait)).padStart(4)} ms  `
    return `${name.padEnd(6)} ${paint('dim', `pid ${String(pid).padEnd(8)}`)} ${paint(color, bar)} ${String(turns).padStart(3)} turns  ${wait}${describe(worker)}`
  }
}

function describe({ state, token, since }: Worker): string {
  const lasting = `${Math.round(performance.now() - since)} ms`
  switch (state) {
    case 'starts':
      return paint('dim', 'starts')
    case 'waits':
      return paint('dim', `waits, ${lasting}`)
    case 'holds':
      return paint('green', `HOLDS, token ${token}`)
    case 'counts':
      return 'counts'
    case 'done':
      return paint('dim', 'done')
    case 'killed':
      return paint('red', `killed, held token ${token}`)
    case 'failed':
      return paint('red', 'FAILED')
  }
}

export const paint = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout })
