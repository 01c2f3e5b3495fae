import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

export interface ServerCommand {
  readonly command: string
  readonly args: readonly string[]
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
    if (this.#child.pid === undefined) throw new Error('cannot run setpriv: install util-linux')
    return this.#child.pid
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  get log(): string {
    return readFileSync(this.#command.log, 'utf8')
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    this.#child.ref()
    await this.#ended
  }

  /** Resolves once `answers` does not reject any more and says yes; rejects if the process ends or that takes too long. */
  async ready(answers: () => Promise<boolean>, within = 15_000): Promise<void> {
    for (const deadline = performance.now() + within; ; ) {
      if (await answers().catch(() => false)) return
      if (this.#hasEnded || performance.now() > deadline) {
        const what = this.#hasEnded ? 'ended' : `did not answer within ${within} ms`
        throw new Error(`${this.#command.command} ${what}; its log ends with:\n${this.log.slice(-2_000)}`)
      }
      await sleep(10)
    }
  }
}
