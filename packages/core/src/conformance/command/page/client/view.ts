/** The part of a timeline that is on the screen, in its milliseconds. */
export interface View {
  readonly from: number
  readonly until: number
}

/** A microsecond over the whole width: instants are not known better. */
const CLOSEST = 0.001

export const whole = (length: number): View => ({ from: 0, until: Math.max(length, CLOSEST) })

/** `factor` above 1 shows less; `at`, a fraction of the width, stays where it is. */
export function zoomed({ from, until }: View, factor: number, at: number, length: number): View {
  const width = (until - from) / factor
  const fixed = from + (until - from) * at
  return within(fixed - width * at, width, length)
}

/** `by` is a fraction of the width. */
export const panned = ({ from, until }: View, by: number, length: number): View =>
  within(from + (until - from) * by, until - from, length)

/** Shows a stretch with as much again on both sides. */
export function around(from: number, until: number, length: number): View {
  const width = Math.max(3 * (until - from), length / 1_000)
  return within((from + until - width) / 2, width, length)
}

function within(from: number, width: number, length: number): View {
  const all = whole(length).until
  const shown = Math.min(Math.max(width, CLOSEST), all)
  const start = Math.min(Math.max(0, from), all - shown)
  return { from: start, until: start + shown }
}
