import { AssertionError } from 'node:assert'

/** What no machine excuses, however slow it is: more held than may, or a fencing token did not rise. */
export class Violation extends AssertionError {
  constructor(message: string) {
    // Where a case found it is of interest, not this place.
    super({ message, stackStartFn: Violation })
  }
}
