import type { Random } from '../random.ts'
import type { Process } from './process.ts'

/** Why a task gives up waiting. */
export const ENOUGH: Error = new Error('enough')

/** Sometimes thinks better of waiting. Then the wait must be over at once. */
export class Impatience {
  readonly #controller = new AbortController()
  readonly #timer: { cancel(): void } | undefined
  #waits = true

  constructor(process: Process, random: Random) {
    if (random.next() >= 0.2) return
    const { world } = process
    const abort = (): void => {
      this.#controller.abort(ENOUGH)
      world.after(0, () => {
        if (this.#waits) world.fail('abort', `somebody of ${process.name} still waits after the abort`)
      })
    }
    this.#timer = process.setTimer(random.next() * random.oneOf([2, 20, 300]), abort)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** The wait is over. */
  end(): void {
    this.#waits = false
    this.#timer?.cancel()
  }
}
