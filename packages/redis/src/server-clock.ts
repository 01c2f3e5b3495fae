import { elapsed, type Instant, type Runtime } from '@locks/core'

/** A reading of the server's clock in whole milliseconds, and a moment of this process before it was made. */
export interface Reading {
  readonly before: Instant
  readonly server: number
}

/** By how much two sound clocks may run apart: the part of the time that passes. */
const DRIFT = 0.01
/** What a reading is off by at most for being whole milliseconds. */
const GRAIN = 1
/** What a request waits at most, in milliseconds: all times have 13 digits. */
const LONGEST = 7 * 86_400_000

/**
 * What is known of a server's clock, by the times that its replies carry. The difference between it and this process's
 * monotonic clock lies between what a reading says at the request's sending and at the reply's arrival. Where a later
 * reading leaves no room for a constant difference, one of the clocks was stepped (or another server has taken over).
 */
export class ServerClock {
  readonly #runtime: Runtime
  readonly #stepped: (sooner: number) => void
  /** The difference, server less monotonic: at least, at most, and when these were found. */
  #least = Number.NEGATIVE_INFINITY
  #most = Number.POSITIVE_INFINITY
  #at = 0
  /** Counts the steps. */
  epoch = 0

  /** `stepped` hears by how many milliseconds holds may end sooner than was answered. */
  constructor(runtime: Runtime, stepped: (sooner: number) => void) {
    this.#runtime = runtime
    this.#stepped = stepped
  }

  /** Whether it has ever been read. */
  get known(): boolean {
    return this.#most !== Number.POSITIVE_INFINITY
  }

  /** When the last reading was made, by the monotonic clock; 0: never. */
  get lastReading(): number {
    return this.#at
  }

  /** A reply to a request sent at `before` carries the time `server`. Says when it came, by the monotonic clock. */
  observe({ before, server }: Reading): number {
    const { mono } = this.#runtime.now()
    const least = server - mono
    const most = server + GRAIN - before.mono
    // What was known may have drifted since.
    const drift = (mono - this.#at) * DRIFT
    const knownLeast = this.#least - drift
    const knownMost = this.#most + drift
    this.#at = mono
    if (least <= knownMost && most >= knownLeast) {
      this.#least = Math.max(least, knownLeast)
      this.#most = Math.min(most, knownMost)
      return mono
    }
    const sooner = Math.max(0, most - knownLeast)
    this.#least = least
    this.#most = most
    this.epoch += 1
    this.#stepped(sooner)
    return mono
  }

  /** The latest that the server's clock may show in `ms` milliseconds from now, `mono`. Only of a clock that is known. */
  latest(ms: number, mono: number): number {
    return Math.ceil(mono + this.#most + (mono - this.#at) * DRIFT + Math.min(ms, LONGEST) * (1 + DRIFT))
  }

  /** A moment of this process not later than that at which the server's clock showed `server`. */
  momentOf(server: number, { before, server: read }: Reading): Instant {
    const shown = server - read - GRAIN
    const passed = Math.min(shown - Math.abs(shown) * DRIFT, elapsed(this.#runtime, before))
    return { mono: before.mono + passed, wall: before.wall + passed }
  }
}
