/** Something wrong, and the case of the kit that must say so. */
export interface Flaw {
  /** What is wrong, as a statement. */
  readonly flaw: string
  /** The case's name, theme included. */
  readonly caughtBy: string
}

/** Cases that wait for some ten seconds before they complain. */
const PATIENT: readonly string[] = [
  'fairness: a dead waiter is skipped',
  'fairness: a waiter that does not call again is no longer counted, while one that does keeps its place',
]

export const takesLong = ({ caughtBy }: Flaw): boolean => PATIENT.includes(caughtBy)
