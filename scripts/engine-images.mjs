// Images of the tests' servers, made of Debian's packages: for machines that can pull none. One image for all servers
// of one release of Debian.
import { spawn, spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { find } from './apt.mjs'
import { run } from './bootstrap.mjs'
import { contained } from './contained.mjs'
import { ask } from './engine-api.mjs'

const minutes = 60_000
const repository = 'locks-test'

const releases = {
  trixie: {
    packages: ['redis-server', 'valkey-server', 'memcached', 'etcd-server'],
    servers: ['REDIS_8_0', 'VALKEY_8_1', 'MEMCACHED_1_6_38', 'ETCD_3_5'],
  },
  bookworm: {
    packages: ['redis-server', 'memcached', 'etcd-server'],
    servers: ['REDIS_7_0', 'MEMCACHED_1_6_18', 'ETCD_3_4'],
  },
}

const unneeded = ['var/cache/apt', 'var/lib/apt/lists', 'usr/share/doc', 'usr/share/man', 'usr/share/locale']

/** The mirror of Debian that this machine's apt uses; none if it is no Debian. */
function mirror() {
  const format = '$(LABEL) $(COMPONENT) $(REPO_URI)'
  const targets = spawnSync('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], {
    encoding: 'utf8',
  })
  return /^Debian main (\S+)/m.exec(targets.stdout ?? '')?.slice(1) ?? []
}

/** The variables by which debootstrap's downloads go where apt's go. */
function proxy() {
  const { stdout } = spawnSync('apt-config', ['shell', 'http_proxy', 'Acquire::http::Proxy'], { encoding: 'utf8' })
  return [...(stdout ?? '').matchAll(/^http_proxy='(.*)'/gm)].map(([, url]) => `http_proxy=${url}`)
}

async function bootstrap(release, folder) {
  const options = ['--variant=minbase', `--include=${releases[release].packages.join(',')}`, release, folder]
  const command = ['env', ...proxy(), ...contained, find('debootstrap')]
  for (const source of [mirror(), []]) {
    if (await run([...command, ...options, ...source], { timeout: 2.5 * minutes })) return
    rmSync(folder, { recursive: true, force: true })
  }
  throw new Error(`debootstrap of ${release} failed`)
}

async function importFolder(host, folder, tag) {
  const exclude = unneeded.map((path) => `--exclude=./${path}/*`)
  const tar = spawn('tar', ['-C', folder, ...exclude, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const path = `/images/create?fromSrc=-&repo=${repository}&tag=${tag}`
  await ask(host, 'POST', path, { body: tar.stdout, timeout: 2 * minutes })
}

/** Runs nothing in a container with a mapped port: what the tests will ask of the engine. */
async function tryImage(host, image) {
  const body = {
    Image: image,
    Cmd: ['true'],
    ExposedPorts: { '1/tcp': {} },
    HostConfig: { PortBindings: { '1/tcp': [{ HostIp: '127.0.0.1', HostPort: '0' }] } },
  }
  const { Id } = JSON.parse(await ask(host, 'POST', '/containers/create', { body }))
  try {
    await ask(host, 'POST', `/containers/${Id}/start`)
    const { StatusCode } = JSON.parse(await ask(host, 'POST', `/containers/${Id}/wait`))
    if (StatusCode !== 0) throw new Error(`a container of ${image} ended with code ${StatusCode}`)
  } finally {
    await ask(host, 'DELETE', `/containers/${Id}?force=1&v=1`)
  }
}

async function makeImage(host, release, folder) {
  const image = `${repository}:${release}`
  const present = await ask(host, 'GET', `/images/${image}/json`).then(
    () => true,
    () => false,
  )
  if (!present) {
    const rootFolder = join(folder, release)
    await bootstrap(release, rootFolder)
    await importFolder(host, rootFolder, release)
    rmSync(rootFolder, { recursive: true, force: true })
  }
  await tryImage(host, image)
  return releases[release].servers.map((server) => [`LOCKS_TEST_IMAGE_${server}`, image])
}

/**
 * Makes the images that the engine at `host` does not have yet, in `folder`. Resolves with the environment variables
 * that name them; an image that could not be made is told and left out.
 */
export async function makeImages(host, folder) {
  const made = await Promise.allSettled(Object.keys(releases).map((release) => makeImage(host, release, folder)))
  for (const { reason } of made) if (reason) console.error(`  no image: ${reason.message}`)
  return Object.fromEntries(made.flatMap(({ value }) => value ?? []))
}
