/** Why there can be no run: told in a few lines, without a stack. */
export class Refusal extends Error {
  override readonly name: string = 'Refusal'
}

export const EXIT: { readonly passed: 0; readonly failed: 1; readonly wrong: 2; readonly signal: 128 } = {
  passed: 0,
  /** Some case failed, or the end of the run did. */
  failed: 1,
  /** The arguments, or the module of the target. Nothing was run. */
  wrong: 2,
  /** Plus the number of the signal that ended the run. */
  signal: 128,
}
