/** Where a command writes to. */
export interface Output {
  /** Whether stdout is a terminal. */
  readonly isTerminal: boolean
  /** Writes to stdout: answers. */
  print(text: string): void
  /** Writes a line to stderr: messages. */
  say(line: string): void
}
