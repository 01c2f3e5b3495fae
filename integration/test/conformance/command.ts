import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The built command, as its users start it. */
const BIN = join(dirname(fileURLToPath(import.meta.resolve('@locks/core/conformance'))), 'command/cli.js')

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** One run of `locks-conformance`, in the folder of the targets. `meanwhile` hears what it has written so far. */
export async function conformance(
  args: readonly string[],
  meanwhile: (stdout: string, child: ReturnType<typeof spawn>) => void = () => undefined,
): Promise<Ended> {
  const { FORCE_COLOR: _, ...env } = process.env
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: join(import.meta.dirname, 'targets'),
    env: { ...env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    meanwhile(stdout, child)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}
