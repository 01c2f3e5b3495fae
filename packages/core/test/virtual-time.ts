import type { Instant, Runtime, Timer } from '../src/index.ts'

interface Alarm {
  readonly at: number
  readonly order: number
  readonly callback: () => void
}

/** A runtime whose clocks move only when told to. Timers fire in order; promises settle between them. */
export class VirtualTime implements Runtime {
  mono: number = 1_000
  wall: number = 1_700_000_000_000
  readonly #alarms = new Set<Alarm>()
  #ids = 0
  #order = 0

  now(): Instant {
    return { mono: this.mono, wall: this.wall }
  }

  setTimer(delay: number, callback: () => void): Timer {
    this.#order += 1
    const alarm = { at: this.mono + Math.max(0, delay), order: this.#order, callback }
    this.#alarms.add(alarm)
    return { cancel: () => void this.#alarms.delete(alarm), keepAlive: () => undefined }
  }

  random(): number {
    return 0.5
  }

  id(bytes: number): string {
    this.#ids += 1
    return String(this.#ids).padStart(Math.ceil((bytes * 4) / 3), '0')
  }

  get timers(): number {
    return this.#alarms.size
  }

  /** Lets both clocks run for `ms`, firing what comes due. */
  async advance(ms: number): Promise<void> {
    const end = this.mono + ms
    await settle()
    for (;;) {
      const [next] = [...this.#alarms].sort((a, b) => a.at - b.at || a.order - b.order)
      if (next === undefined || next.at > end) break
      this.#alarms.delete(next)
      this.#move(Math.max(next.at, this.mono))
      next.callback()
      await settle()
    }
    this.#move(end)
  }

  /** The machine sleeps: the wall clock runs on, the monotonic one stands. Or, with a negative number, a step back. */
  stepWall(ms: number): void {
    this.wall += ms
  }

  /** The process hangs: both clocks run on, no timer fires. */
  hang(ms: number): void {
    this.#move(this.mono + ms)
  }

  #move(mono: number): void {
    this.wall += mono - this.mono
    this.mono = mono
  }
}

/** Lets everything that needs no time happen. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
