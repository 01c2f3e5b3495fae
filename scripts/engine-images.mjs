// Images of the tests' servers, made of Debian's packages: for machines that can pull none. One image for all servers
// of one release of Debian; but Kubernetes, which is built of its source, has one for itself.
import { spawn, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { debianMirror, find } from './apt.mjs'
import { run } from './bootstrap.mjs'
import { contained } from './contained.mjs'
import { ask } from './engine-api.mjs'
import { kubernetesProgram, provideKubernetes } from './kubernetes.mjs'

const minutes = 60_000
const repository = 'locks-test'

const packages = {
  trixie: ['redis-server', 'valkey-server', 'memcached', 'etcd-server'],
  bookworm: ['redis-server', 'memcached', 'etcd-server'],
}

// Where the storage of an engine copies whole images for each container, their size is the time that a start takes.
const programs = /^(?:(?:redis|valkey)-.*|memcached|etcd|true)$/

/** By release, by tag: which programs an image has, of which versions they are, and which come from this machine. */
const images = {
  trixie: { trixie: { programs, servers: ['REDIS_8_0', 'VALKEY_8_1', 'MEMCACHED_1_6_38', 'ETCD_3_5'] } },
  bookworm: {
    bookworm: { programs, servers: ['REDIS_7_0', 'MEMCACHED_1_6_18', 'ETCD_3_4'] },
    kubernetes: { programs: /^(?:kube-apiserver|etcd|sh|dash|true)$/, servers: ['K8S_1_20'], built: 'kube-apiserver' },
  },
}

const libraries = ['bin', 'lib', 'lib64', 'usr/lib', 'usr/lib64']
const unneeded = ['perl*', 'gconv', 'systemd', 'apt', 'dpkg', 'libperl*', 'locale']

/** The variables by which debootstrap's downloads go where apt's go. */
function proxy() {
  const { stdout } = spawnSync('apt-config', ['shell', 'http_proxy', 'Acquire::http::Proxy'], { encoding: 'utf8' })
  return [...(stdout ?? '').matchAll(/^http_proxy='(.*)'/gm)].map(([, url]) => `http_proxy=${url}`)
}

/** Unpacks a release's packages. They run without being configured, which would take most of the time. */
async function unpack(release, folder) {
  const include = `--include=${packages[release].join(',')}`
  const command = [...contained, find('debootstrap'), '--foreign', '--variant=minbase', include, release, folder]
  let done = false
  for (const source of [[debianMirror()].filter((mirror) => mirror !== undefined), []]) {
    if (done) break
    rmSync(folder, { recursive: true, force: true })
    done = await run(['env', ...proxy(), ...command, ...source], { timeout: 2.5 * minutes, lines: 5 })
  }
  if (!done) throw new Error(`debootstrap of ${release} failed`)

  // It has unpacked the release's basis itself, and the rest is there as archives.
  const rest = readFileSync(join(folder, 'debootstrap/base'), 'utf8').split(/\s+/)
  const archives = join(folder, 'var/cache/apt/archives')
  for (const archive of readdirSync(archives)) {
    if (!rest.includes(archive.split('_')[0])) continue
    // A plain extraction would put a folder in the place of the link from /lib to /usr/lib.
    const extract = 'dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink -C "$2"'
    if (!(await run(['sh', '-c', extract, 'sh', join(archives, archive), folder], { timeout: minutes }))) {
      throw new Error(`${archive} of ${release} cannot be unpacked`)
    }
  }
  // For memcached, which as root insists on a user.
  writeFileSync(join(folder, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n')
}

async function importFolder(host, folder, tag, { programs }) {
  const names = readdirSync(join(folder, 'usr/bin')).filter((name) => programs.test(name))
  const paths = ['etc/passwd', ...libraries, ...names.map((name) => `usr/bin/${name}`)]
  const exclude = unneeded.map((name) => `--exclude=${name}`)
  const there = paths.filter((path) => existsSync(join(folder, path)))
  const tar = spawn('tar', ['-C', folder, ...exclude, '-c', ...there], { stdio: ['ignore', 'pipe', 'inherit'] })
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

const isPresent = (host, image) =>
  ask(host, 'GET', `/images/${image}/json`).then(
    () => true,
    () => false,
  )

async function makeImage(host, folder, tag, image) {
  if (image.built !== undefined) {
    if (!(await provideKubernetes())) throw new Error(`${image.built} is missing`)
    copyFileSync(kubernetesProgram(image.built), join(folder, 'usr/bin', image.built))
  }
  await importFolder(host, folder, tag, image)
}

/** Makes the images of a release that are missing; resolves with what became of each, `allSettled`. */
async function makeImagesOf(release, host, folder) {
  const wanted = Object.entries(images[release])
  const present = await Promise.all(wanted.map(([tag]) => isPresent(host, `${repository}:${tag}`)))
  const missing = wanted.filter((_, at) => !present[at])
  const rootFolder = join(folder, release)
  if (missing.length > 0) await unpack(release, rootFolder)
  const made = await Promise.allSettled(
    wanted.map(async ([tag, image]) => {
      if (missing.some(([one]) => one === tag)) await makeImage(host, rootFolder, tag, image)
      await tryImage(host, `${repository}:${tag}`)
      return image.servers.map((server) => [`LOCKS_TEST_IMAGE_${server}`, `${repository}:${tag}`])
    }),
  )
  rmSync(rootFolder, { recursive: true, force: true })
  return made
}

/**
 * Makes the images that the engine at `host` does not have yet, in `folder`. Resolves with the environment variables
 * that name them; an image that could not be made is told and left out.
 */
export async function makeImages(host, folder) {
  const releases = await Promise.allSettled(Object.keys(images).map((release) => makeImagesOf(release, host, folder)))
  const made = releases.flatMap((release) => release.value ?? release)
  for (const { reason } of made) if (reason) console.error(`  no image: ${reason.message}`)
  return Object.fromEntries(made.flatMap(({ value }) => value ?? []))
}
