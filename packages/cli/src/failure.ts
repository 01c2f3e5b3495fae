import { CommandError, EXIT } from './exit.ts'
import { oneLine } from './text.ts'

/** By `code`, not by class: the adapter may stand on another copy of @locks/core than this command does. */
const EXIT_OF_CODE: Readonly<Record<string, number>> = {
  LOCK_TIMEOUT: EXIT.notAcquired,
  LOCK_LOST: EXIT.lost,
  LOCK_NOT_HELD: EXIT.lost,
  LOCK_BACKEND: EXIT.unavailable,
  LOCK_UNSUPPORTED: EXIT.usage,
  LOCK_MISMATCH: EXIT.usage,
  LOCK_UNCONFIGURED: EXIT.usage,
}

/** The `code` of an error, whoever made it. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** The exit code for an error, and what to say about it: one line, or a stack for a fault of our own. */
export function explain(error: unknown): { readonly exit: number; readonly message: string } {
  if (error instanceof CommandError) return { exit: error.exit, message: oneLine(error.message) }
  const code = codeOf(error)
  const exit = code === undefined ? undefined : EXIT_OF_CODE[code]
  if (error instanceof Error && exit !== undefined) return { exit, message: oneLine(error.message) }
  // What @locks/core throws for a bad argument: it came from a flag.
  const argument = error instanceof TypeError || error instanceof RangeError
  if (argument && code === undefined) return { exit: EXIT.usage, message: oneLine(error.message) }
  return { exit: EXIT.internal, message: error instanceof Error ? (error.stack ?? error.message) : String(error) }
}
