/** Something wrong, and the case of the kit that must say so. */
export interface Flaw {
  /** What is wrong, as a statement. */
  readonly flaw: string
  /** The case's name, theme included. */
  readonly caughtBy: string
}
