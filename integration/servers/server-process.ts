import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, closeSync, constants, openSync, readFileSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export interface ServerCommand {
  /** A name on the PATH, or a path. */
  readonly command: string
  readonly args: readonly string[]
  /** What it is called as a package. Default: the same. */
  readonly package?: string
  readonly env?: Readonly<Record<string, string>>
  /** The file that takes what it writes to stdout and stderr. */
  readonly log: string
}

/** A server's process, which ends with the process that started it, however that ends. */
export class ServerProcess {
  readonly #child: ChildProcess
  readonly #command: ServerCommand
  readonly #ended: Promise<void>
  #hasEnded = false

  constructor(command: ServerCommand) {
    this.#command = command
    requireOnPath('setpriv', 'util-linux')
    requireOnPath(command.command, command.package ?? command.command)
    const log = openSync(command.log, 'a')
    // The kernel kills it when the thread that started it ends; setpriv replaces itself, so the pid is the server's.
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', command.command, ...command.args], {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...command.env },
    })
    closeSync(log)
    this.#ended = new Promise<void>((resolve) => {
      this.#child.once('exit', () => resolve())
      this.#child.once('error', () => resolve())
    }).then(() => {
      this.#hasEnded = true
    })
    this.#child.unref()
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('setpriv could not be run')
    return this.#child.pid
  }

  get log(): string {
    return readFileSync(this.#command.log, 'utf8')
  }

  get runs(): boolean {
    return !this.#hasEnded
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    this.#child.ref()
    await this.#ended
  }

  /** Resolves once `look` doesn't reject any more; rejects if the process ends first, or after `within` milliseconds. */
  async ready(look: () => Promise<void>, within = 15_000): Promise<void> {
    for (const deadline = performance.now() + within; ; ) {
      try {
        return await Promise.race([look(), this.#ended.then(() => Promise.reject(new Error('the process has ended')))])
      } catch (cause) {
        if (this.#hasEnded || performance.now() > deadline) {
          const what = this.#hasEnded ? 'ended' : `was not ready within ${within} ms`
          throw new Error(`${this.#command.command} ${what}; its log ends with:\n${this.log.slice(-2_000)}`, { cause })
        }
        await sleep(10)
      }
    }
  }
}

/** Throws, saying what to install, if a program is missing. */
export function requireOnPath(command: string, packageName: string): void {
  const paths = isAbsolute(command)
    ? [command]
    : (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, command))
  const isThere = paths.some((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
  if (!isThere) throw new Error(`${command} is not on the PATH: install it (Debian: ${packageName})`)
}
