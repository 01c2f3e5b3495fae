import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'

/** What is passed on. SIGTSTP and SIGCONT keep their meaning: a terminal stops and continues the command along with us. */
const PASSED_ON: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2']
/** For so long, in milliseconds, a Ctrl-C heard of may be one from before the command was there to hear it too. */
const FRESH = 100
const FROM_KEYBOARD: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT'])

/**
 * Whether this process is in the foreground of a terminal. Then Ctrl-C reaches the command by itself, and passing it on
 * would make it two, which many programs take as "at once".
 */
function isForeground(): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1')
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return group === foreground
  } catch {
    return process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  }
}

/** Receives the signals sent to this process: they end the waiting for the lock, or are passed on to the command. */
export class Signals {
  readonly #wish = new AbortController()
  #received: NodeJS.Signals | undefined
  #child: ChildProcess | undefined
  #startedAt = 0
  readonly #receive = (name: NodeJS.Signals): void => {
    if (this.#child !== undefined) {
      const hasIt = FROM_KEYBOARD.has(name) && performance.now() - this.#startedAt > FRESH && isForeground()
      if (!hasIt) this.#child.kill(name)
      return
    }
    // Who asks twice doesn't want to wait for the clean-up.
    if (this.#received !== undefined) dieBy(name)
    this.#received = name
    this.#wish.abort()
  }

  constructor() {
    for (const name of PASSED_ON) process.on(name, this.#receive)
  }

  /** The first signal that came while there was no command to pass it on to. */
  get received(): NodeJS.Signals | undefined {
    return this.#received
  }

  /** Aborted by that signal. */
  get wish(): AbortSignal {
    return this.#wish.signal
  }

  passOnTo(child: ChildProcess): void {
    this.#child = child
    this.#startedAt = performance.now()
    child.once('exit', () => {
      this.#child = undefined
    })
  }

  dispose(): void {
    for (const name of PASSED_ON) process.off(name, this.#receive)
  }
}

/** Those whose default action ends a process without a core dump: dying by them tells the caller what happened. */
const DEADLY: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'])

/**
 * Ends this process as a signal ended the command, so that a shell's loop stops at Ctrl-C and a supervisor sees a clean
 * stop; by exit code 128 + n where the signal can't be used for that (as the first process of a container, for one).
 */
export function dieBy(name: NodeJS.Signals): never {
  if (DEADLY.has(name)) {
    process.removeAllListeners(name)
    process.kill(process.pid, name)
  }
  process.exit(128 + constants.signals[name])
}
