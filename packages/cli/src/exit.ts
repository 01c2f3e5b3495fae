/** Exit codes of the wrapper's own, by sysexits.h and the shell's habits. A command's own code passes through as it is. */
export const EXIT: {
  readonly ok: 0
  readonly declined: 1
  readonly risky: 1
  readonly usage: 64
  readonly unavailable: 69
  readonly internal: 70
  readonly notAcquired: 75
  readonly lost: 76
  readonly notExecutable: 126
  readonly notFound: 127
  readonly signal: 128
} = {
  ok: 0,
  /** `locks break` was answered with no. */
  declined: 1,
  /** `locks doctor` has found a risk. */
  risky: 1,
  /** A flag, an argument or a URL that makes no sense, also in view of how the lock is used already. */
  usage: 64,
  /** The backend can't be reached or doesn't answer, or its adapter isn't installed. */
  unavailable: 69,
  /** A fault of the locks command itself. */
  internal: 70,
  /** Held by others until the timeout. The command was not started. */
  notAcquired: 75,
  /** The lease was lost: the command was ended, or had ended without the lock. */
  lost: 76,
  notExecutable: 126,
  notFound: 127,
  /** Plus the number of the signal that ended the command. */
  signal: 128,
}

/** How the process ends: with a code, or by the signal that ended its command. */
export type Ending = number | NodeJS.Signals

/** A failure that is told in one line on stderr, without a stack. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError'
  readonly exit: number

  constructor(exit: number, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.exit = exit
  }
}

export const usageError = (message: string): CommandError => new CommandError(EXIT.usage, message)
