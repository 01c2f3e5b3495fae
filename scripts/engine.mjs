// node scripts/engine.mjs COMMAND…: runs a command with a Docker engine for its tests. One that is reachable is used
// as it is. Else, as root on Debian or Ubuntu, one is installed and started for as long as the command runs, with
// images of the servers made of Debian's packages. Where that can not be, the command runs without.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { step } from './bootstrap.mjs'
import { engineAnswers, expectedHost } from './engine-api.mjs'
import { startDaemon } from './engine-daemon.mjs'
import { makeImages } from './engine-images.mjs'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
const folder = mkdtempSync(join(tmpdir(), 'locks-engine-'))
const env = { ...process.env, LOCKS_TEST_RUN: folder }
let daemon

/** Sets the variables by which the tests find an engine and its images; throws if there can be none. */
async function provide() {
  const reachable = await engineAnswers()
  if (reachable && env.LOCKS_TEST_MAKE_IMAGES !== '1') return
  if (!reachable) daemon = await startDaemon(folder)
  const host = daemon?.host ?? expectedHost()

  const images = await makeImages(host, folder)
  if (Object.keys(images).length === 0) throw new Error('it runs, but has no images')
  for (const [name, image] of Object.entries(images)) env[name] ||= image
  // In a container Testcontainers would look for the engine's ports on the gateway.
  if (daemon) Object.assign(env, { DOCKER_HOST: host, TESTCONTAINERS_HOST_OVERRIDE: '127.0.0.1' })
}

const removeFolder = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })

/** Runs the command; resolves with its exit code. A signal is the command's to follow. */
function runCommand([file, ...args]) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { stdio: 'inherit', env })
    for (const signal of signals) process.on(signal, () => child.kill(signal))
    child.once('error', (error) => {
      console.error(`✗ ${file}: ${error.message}`)
      resolve(127)
    })
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]))
  })
}

/** Kills what the command left running, as processes do whose parent was killed: all that has its mark. */
function killRest() {
  const mark = `LOCKS_TEST_RUN=${folder}`
  for (const pid of existsSync('/proc/self/environ') ? readdirSync('/proc') : []) {
    try {
      if (readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(mark)) process.kill(Number(pid), 'SIGKILL')
    } catch {
      // No process, or none of ours, or it has ended.
    }
  }
}

const interrupted = (signal) => process.exit(128 + constants.signals[signal])
for (const signal of signals) process.on(signal, interrupted)
process.once('exit', removeFolder)

await step('engine', async () => {
  try {
    await provide()
  } catch (error) {
    daemon?.end()
    daemon = undefined
    console.log(`  no Docker engine, going on with the installed servers: ${error.message}`)
  }
  return true
})
for (const signal of signals) process.off(signal, interrupted)
process.exitCode = await runCommand(process.argv.slice(2))
killRest()
if (daemon) {
  daemon.end()
  await daemon.gone
}
