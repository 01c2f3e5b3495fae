import { spawn } from 'node:child_process'

export interface Outcome {
  readonly code: number | string
  readonly stdout: string
  /** Both streams, in the order in which they came. */
  readonly output: string
}

export interface RunOptions {
  readonly cwd: string
  readonly env?: NodeJS.ProcessEnv
  /** Milliseconds after which it is killed. */
  readonly limit: number
}

/** Runs a program to its end, or to its limit, with all that it starts. */
export function run(file: string, args: readonly string[], { cwd, env, limit }: RunOptions): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let stdout = ''
    let output = ''
    let late = false
    // A process group of its own, so that nothing of it stays behind.
    const child = spawn(file, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    const kill = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It has ended.
      }
    }
    const timer = setTimeout(() => {
      late = true
      kill()
    }, limit)
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
      output += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.once('error', reject)
    child.once('exit', kill)
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code: late ? `no end within ${limit} ms` : (code ?? signal ?? ''), stdout, output })
    })
  })
}
