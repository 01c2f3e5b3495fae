import { EARLY } from './line.ts'

/** Beyond it, memcached takes a number of seconds for a date. */
const LONGEST = 30 * 86_400
const LATEST = 2 ** 32 - 1
/** Seconds for which a reading of the server's clock is used at most, with room. */
const AGO = 10

/** How an item is stored. */
export interface Keeping {
  /** Milliseconds for which it is kept at least. */
  readonly keepFor: number
  readonly flags: number
}

/** For how long a request asks an item to be kept. `now`: what the server shows for the time, in seconds. */
export function secondsFor(milliseconds: number, now: number): number {
  if (milliseconds === Number.POSITIVE_INFINITY) return 0
  const seconds = Math.ceil(milliseconds / 1_000) + EARLY
  if (seconds <= LONGEST) return seconds
  // By its own clock: a client's may be days apart. It was read a moment ago.
  return Math.min(now + seconds + AGO, LATEST)
}
