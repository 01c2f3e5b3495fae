import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** The built command, as its users start it. */
export const BIN: string = join(dirname(fileURLToPath(import.meta.resolve('@locks/cli'))), 'cli.js')

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: ChildProcess
  readonly pid: number
  readonly ended: Promise<Ended>
  /** What it wrote to stderr so far. */
  stderr(): string
}

/** Resolves once `look` answers something other than undefined or false; rejects after a generous while. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  within = 15_000,
): Promise<T> {
  const deadline = performance.now() + within
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > deadline) throw new Error(`not within ${within} ms: ${what}`)
    await sleep(5)
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // Who has ended but was not reaped yet (by a container's first process, say) is not alive.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** A folder with a file backend of its own, and the processes started over it. */
export class Playground implements AsyncDisposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'locks-cli-'))
  readonly url: string = `file://${join(this.folder, 'locks')}`
  readonly #running: Running[] = []

  /** Starts `locks` with this playground's backend, unless `args` name another. */
  start(args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
    const { NODE_PATH: _, ...inherited } = process.env
    const child = spawn(process.execPath, [BIN, ...args], {
      cwd: this.folder,
      env: { ...inherited, LOCKS_BACKEND: this.url, LOCKS_NAMESPACE: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A session of its own: a terminal that the tests run on has no say in it.
      detached: true,
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    const ended = new Promise<Ended>((resolve, reject) => {
      child.once('error', reject)
      // Not 'close': a command that outlives its wrapper keeps the pipes open.
      child.once('exit', (code, signal) => setTimeout(() => resolve({ code, signal, stdout, stderr }), 20))
    })
    const running = { child, pid: child.pid as number, ended, stderr: () => stderr }
    this.#running.push(running)
    return running
  }

  locks(...args: string[]): Promise<Ended> {
    return this.start(args).ended
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  read(name: string): string | undefined {
    const path = this.path(name)
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined
  }

  /** The number in a file, once it is there as a whole line: scripts write their process ids so. */
  number(name: string): Promise<number> {
    return eventually(`a number in ${name}`, () => {
      const text = this.read(name)
      return text?.endsWith('\n') ? Number(text) : undefined
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of this.#running) child.kill('SIGKILL')
    for (const name of readdirSync(this.folder)) {
      const pid = name.endsWith('.pid') ? Number(this.read(name)) : 0
      if (pid > 1 && isAlive(pid)) process.kill(pid, 'SIGKILL')
    }
    await Promise.all(this.#running.map(({ ended }) => ended))
    rmSync(this.folder, { recursive: true, force: true })
  }
}
