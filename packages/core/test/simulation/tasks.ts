import type { Process } from './process.ts'

/** Counts the tasks that have not come to their end, by process. */
export class Tasks {
  readonly #open = new Map<Process, number>()
  #idle: (() => void) | undefined

  begin(process: Process): void {
    this.#open.set(process, (this.#open.get(process) ?? 0) + 1)
  }

  end(process: Process): void {
    if (!process.alive) return
    this.#open.set(process, (this.#open.get(process) ?? 0) - 1)
    this.#look()
  }

  /** With its process, its tasks end. */
  died(process: Process): void {
    this.#open.delete(process)
    this.#look()
  }

  get count(): number {
    let count = 0
    for (const open of this.#open.values()) count += open
    return count
  }

  /** Resolves once there is none. */
  done(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle = resolve
      this.#look()
    })
  }

  #look(): void {
    if (this.count === 0) this.#idle?.()
  }
}
