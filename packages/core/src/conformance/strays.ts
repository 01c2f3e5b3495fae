/** Hears what is thrown and caught by nobody, which would else end the process. */
export class Strays {
  #thrown: unknown[] = []
  readonly #hear = (error: unknown): void => {
    this.#thrown.push(error)
  }

  constructor() {
    process.on('unhandledRejection', this.#hear)
    process.on('uncaughtException', this.#hear)
  }

  /** What came up since the last time. */
  async take(): Promise<readonly unknown[]> {
    // A rejection counts as unhandled after the turn in which it came up.
    await new Promise((resolve) => setImmediate(resolve))
    const thrown = this.#thrown
    this.#thrown = []
    return thrown
  }

  stop(): void {
    process.off('unhandledRejection', this.#hear)
    process.off('uncaughtException', this.#hear)
  }
}
