// A Docker engine of one's own: apart from any other on the machine, and gone without trace when it is ended.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { canInstall, find, installPackages } from './apt.mjs'
import { contained } from './contained.mjs'
import { engineAnswers } from './engine-api.mjs'

const programs = ['dockerd', 'debootstrap', 'ip']
const packages = ['docker.io', 'debootstrap', 'debian-archive-keyring', 'gpgv', 'iproute2']

function ip(...args) {
  const { status, stderr } = spawnSync(find('ip'), args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr.trim()}`)
}

/** A network bridge of its own: docker0 belongs to whichever engine came first. */
function createBridge() {
  const name = `locks${process.pid}`
  ip('link', 'add', 'name', name, 'type', 'bridge')
  const remove = () => spawnSync(find('ip'), ['link', 'delete', name])
  try {
    // Of a range that is set aside for measurements between machines, which nothing here reaches.
    ip('address', 'add', `198.${18 + (process.pid % 2)}.${(process.pid >> 1) % 256}.1/24`, 'dev', name)
    ip('link', 'set', name, 'up')
  } catch (error) {
    remove()
    throw error
  }
  return { name, remove }
}

/** What a log's last error says. */
function lastWords(log) {
  const lines = readFileSync(log, 'utf8').trim().split('\n')
  return lines.findLast((line) => /level=(fatal|error)|^failed|^unshare|^setpriv/.test(line)) ?? lines.at(-1) ?? ''
}

/** Kills what a process waits for, here the engine: the process then ends by itself and leaves nobody behind. */
function killChildren(pid) {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')
    for (const one of children) if (one !== '') process.kill(Number(one), 'SIGKILL')
  } catch {
    // It has ended; or it never became more than itself, which the caller's own end ends.
  }
}

/**
 * Starts an engine that keeps everything in `folder`, installing what that takes. `end` kills it with its containers
 * at once, as does the end of this process. Rejects, with nothing left running, if it cannot be had.
 */
export async function startDaemon(folder) {
  if (process.platform !== 'linux' || process.getuid() !== 0) throw new Error('starting one takes root on Linux')
  // As root in a container without privileges nothing of this is allowed: better to know before the installation.
  const { status, stderr, error } = spawnSync(contained[0], [...contained.slice(1), 'true'], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`namespaces are needed: ${error?.message ?? stderr.trim()}`)
  if (programs.some((name) => find(name) === undefined)) {
    if (!canInstall()) throw new Error(`starting one takes the programs ${programs.join(', ')}`)
    if (!(await installPackages(packages.map((name) => [name])))) throw new Error('its packages cannot be installed')
  }

  const bridge = createBridge()
  const host = `unix://${join(folder, 'docker.sock')}`
  const log = join(folder, 'dockerd.log')
  const output = openSync(log, 'a')
  const command = [
    ...contained,
    ...[find('dockerd'), '--host', host, '--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
    ...['--pidfile', join(folder, 'dockerd.pid'), '--bridge', bridge.name],
    // Mapped ports on the loopback are served by a process of the engine: the machine's packet filter and routing
    // stay as they are.
    ...['--iptables=false', '--ip6tables=false', '--ip-masq=false', '--ip-forward=false'],
  ]
  const child = spawn(command[0], command.slice(1), { detached: true, stdio: ['ignore', output, output] })
  let ended = false
  child.once('error', () => {})
  const gone = new Promise((resolve) => {
    child.once('close', () => {
      ended = true
      resolve()
    })
  })
  const end = () => {
    killChildren(child.pid)
    bridge.remove()
  }
  process.prependOnceListener('exit', end)

  for (const deadline = Date.now() + 30_000; !(await engineAnswers(host)); await sleep(100)) {
    if (!ended && Date.now() < deadline) continue
    end()
    throw new Error(`it ${ended ? 'ended' : 'did not start in 30 s'}: ${existsSync(log) ? lastWords(log) : ''}`)
  }
  return { host, end, gone }
}
