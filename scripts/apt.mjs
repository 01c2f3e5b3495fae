// Packages of Debian and Ubuntu, installed where this process may do so.
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { run } from './bootstrap.mjs'

const minutes = 60_000
const policy = '/usr/sbin/policy-rc.d'

/** The path of a program; also where daemons are, which not every PATH names. Undefined if there is none. */
export function find(program) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
  return folders.map((folder) => join(folder, program)).find(existsSync)
}

/** Whether packages can be installed: as root, on a system that has apt. */
export function canInstall() {
  return process.getuid?.() === 0 && find('apt-get') !== undefined
}

/** Whether this release is known to have a package. */
export function hasCandidate(name) {
  const { stdout } = spawnSync('apt-cache', ['policy', name], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  })
  return /Candidate: (?!\(none\))/.test(stdout ?? '')
}

/** The mirror of Debian that apt uses by its lists; undefined if it is no Debian, or has no lists yet. `options` are apt's. */
export function debianMirror(options = []) {
  const format = '$(LABEL) $(COMPONENT) $(REPO_URI)'
  const targets = ['indextargets', '--format', format, 'Created-By: Packages']
  const { stdout } = spawnSync('apt-get', [...options, ...targets], { encoding: 'utf8' })
  return /^Debian main (\S+)/m.exec(stdout ?? '')?.[1]
}

/** Does something while the services of packages that are being installed are not started. */
async function withoutServices(work) {
  let written = false
  const remove = () => {
    if (written) rmSync(policy, { force: true })
  }
  // An interrupted script ends by process.exit.
  process.once('exit', remove)
  try {
    writeFileSync(policy, '#!/bin/sh\nexit 101\n', { flag: 'wx', mode: 0o755 })
    written = true
  } catch (error) {
    // The machine has a policy of its own: containers of Debian start no services at all.
    if (error.code !== 'EEXIST') throw error
  }
  try {
    return await work()
  } finally {
    remove()
    process.off('exit', remove)
  }
}

/**
 * Installs packages; of each list of names the first that this release has, or none. Their services are not started.
 * Resolves with whether it was done.
 */
export async function installPackages(wanted) {
  const apt = ['env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'apt-get', '-q', '-o', 'DPkg::Lock::Timeout=120']
  for (let attempt = 1; ; attempt += 1) {
    // One source that fails need not matter: the installation shows it.
    await run([...apt, 'update'], { timeout: 2 * minutes })
    const names = wanted.flatMap((alternatives) => alternatives.filter(hasCandidate).slice(0, 1))
    const install = [...apt, 'install', '-y', '--no-install-recommends', ...names]
    if (await withoutServices(() => run(install, { timeout: 4 * minutes }))) return true
    if (attempt === 2) return false
  }
}
