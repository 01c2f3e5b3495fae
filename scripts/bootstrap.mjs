// From a fresh clone to a workspace that can build. Runs on every Node.js from 20 on with nothing but npm beside
// it: where Node.js is too old or pnpm is absent, `npx` fetches them.
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

export const minutes = 60_000
const { engines, devEngines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const pnpmVersion = devEngines.packageManager.version
const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', TURBO_NO_UPDATE_NOTIFIER: '1' }

/** A step of a script that failed; its output is on the terminal already. */
export class StepError extends Error {}

/** How pnpm is called here, with a recent enough Node.js on its PATH. */
const pnpmCommand = (() => {
  const [major, minor] = engines.node.replace('>=', '').split('.').map(Number)
  const [ownMajor, ownMinor] = process.versions.node.split('.').map(Number)
  const recent = ownMajor > major || (ownMajor === major && ownMinor >= minor)
  // The install brings a Node.js of its own for these, see optionalDependencies.
  const bundled = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch)
  const fetched = recent || bundled ? [] : ['-p', 'node@24']

  const present = spawnSync('pnpm', ['--version'], { encoding: 'utf8' })
  const samePnpm = present.status === 0 && present.stdout.trim().split('.')[0] === pnpmVersion.split('.')[0]
  if (samePnpm && fetched.length === 0) return ['pnpm']
  return ['npx', '-y', ...fetched, '-p', `pnpm@${pnpmVersion}`, '--', 'pnpm']
})()

/** The command line that runs `args` with the workspace's own Node.js and tools on the PATH. */
export function exec(...args) {
  return [...pnpmCommand, 'exec', ...args]
}

function lastLines(text, count) {
  return text.split(/^/m).slice(-count).join('')
}

/**
 * Runs a command in the workspace's root, or in `cwd`, without standard input; `env` adds variables. Its output is passed
 * on (`show`), or else kept and printed, or the last `lines` of it, only if it fails. After `timeout` milliseconds it is killed
 * with everything it started.
 */
export function run(command, options = {}) {
  const { show = false, lines = Number.POSITIVE_INFINITY, timeout = 15 * minutes, cwd = root } = options
  return new Promise((resolve) => {
    const output = []
    const [file, ...args] = command
    // A process group of its own, so that nothing of it stays behind.
    const child = spawn(file, args, {
      cwd,
      env: { ...env, ...options.env },
      detached: true,
      stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'],
    })
    child.stdout?.on('data', (data) => output.push(data))
    child.stderr?.on('data', (data) => output.push(data))

    const kill = () => {
      try {
        process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It has ended.
      }
    }
    const interrupted = (signal) => process.exit(signal === 'SIGINT' ? 130 : 143)
    process.once('SIGINT', interrupted).once('SIGTERM', interrupted).prependOnceListener('exit', kill)

    let trouble
    const timer = setTimeout(() => {
      trouble = `no end after ${timeout / minutes} minutes`
      kill()
    }, timeout)

    const finish = (code, signal) => {
      clearTimeout(timer)
      process.off('SIGINT', interrupted).off('SIGTERM', interrupted).off('exit', kill)
      trouble ??= code === 0 ? undefined : signal ? `killed by ${signal}` : `exit code ${code}`
      if (trouble !== undefined) {
        process.stderr.write(lastLines(Buffer.concat(output).toString(), lines))
        console.error(`✗ ${command.join(' ')}: ${trouble}`)
      }
      resolve(trouble === undefined)
    }
    child.once('error', (error) => {
      trouble = error.message
      finish()
    })
    child.once('exit', (code, signal) => {
      // What it left running would hold its output open.
      kill()
      if (show) finish(code, signal)
      else child.once('close', () => finish(code, signal))
    })
  })
}

/** A named step, a command or a function that tells whether it did well: a line when it starts, a line when it is done. */
export async function step(name, work, options) {
  const started = Date.now()
  console.log(`▸ ${name} …`)
  const ok = await (typeof work === 'function' ? work() : run(work, options))
  const seconds = ((Date.now() - started) / 1000).toFixed(1)
  if (ok) console.log(`  done in ${seconds} s`)
  else console.error(`✗ ${name} failed after ${seconds} s`)
  return ok
}

/** Installs what the lockfile names. */
export async function install() {
  const command = [...pnpmCommand, 'install', '--frozen-lockfile', '--config.confirm-modules-purge=false']
  if (!(await step('install', command))) throw new StepError('the dependencies could not be installed')
}

/** Builds all packages. */
export async function build() {
  if (!(await step('build', exec('turbo', 'run', 'build', '--output-logs=errors-only')))) {
    throw new StepError('the packages could not be built')
  }
}

/** Runs the body of a script; a step that failed ends it with exit code 1. */
export async function main(body) {
  try {
    await body()
  } catch (error) {
    if (!(error instanceof StepError)) throw error
    console.error(`✗ ${error.message}`)
    process.exitCode = 1
  }
}
