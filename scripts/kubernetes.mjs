// The programs of Kubernetes that the tests start. No release of Debian or Ubuntu has them as packages, but Debian 12
// has their source: they are built of it, once, with its compiler, into a folder of the user's caches. That takes apt, but no
// root, installs nothing, and leaves the machine's own sources and lists of packages alone.
// node scripts/kubernetes.mjs: builds what is missing.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { debianMirror, find } from './apt.mjs'
import { main, minutes, run, StepError, step } from './bootstrap.mjs'

const version = '1.20.2'
const release = 'bookworm'
const keys = '/usr/share/keyrings/debian-archive-keyring.gpg'
const compiler = ['golang-1.19-go', 'golang-1.19-src']
const programs = ['kube-apiserver', 'kube-scheduler']

/** Where the tests look as well: integration/servers/kube-programs.ts has the same. */
const caches = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'locks-test')
const built = join(caches, `kubernetes-${version}`)

/** The path of one of the programs: on the PATH, else the one that was built. Undefined if there is none. */
export function kubernetesProgram(name) {
  return find(name) ?? [join(built, name)].find(existsSync)
}

const absent = () => programs.filter((name) => kubernetesProgram(name) === undefined)

async function must(what, command, options) {
  if (!(await run(command, { lines: 20, ...options }))) throw new StepError(what)
}

const optionsOf = (settings) => Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])

/** The mirror of Debian that this machine's apt uses, also if its lists were never fetched. */
async function mirrorOf(folder) {
  const known = debianMirror()
  if (known !== undefined) return known
  mkdirSync(join(folder, 'own/partial'), { recursive: true })
  const options = optionsOf({ 'Dir::State::lists': join(folder, 'own'), 'APT::Sandbox::User': 'root' })
  // One source that fails need not matter.
  await run(['apt-get', '-q', ...options, 'update'], { lines: 20, timeout: 2 * minutes })
  const mirror = debianMirror(options)
  if (mirror === undefined) throw new StepError(`apt has no mirror of Debian, to get ${release}'s source package from`)
  return mirror
}

/** Gets the source and the compiler into `folder`. What apt gets, it has checked. */
async function download(folder) {
  if (!existsSync(keys)) throw new StepError(`${keys} is missing (package debian-archive-keyring)`)
  const mirror = await mirrorOf(folder)
  for (const path of ['lists/partial', 'cache/archives/partial', 'got'])
    mkdirSync(join(folder, path), { recursive: true })
  const source = `[signed-by=${keys}] ${mirror} ${release} main`
  writeFileSync(join(folder, 'sources.list'), `deb ${source}\ndeb-src ${source}\n`)
  // Of what is installed nothing matters: not which versions, nor which are preferred.
  writeFileSync(join(folder, 'status'), '')
  const settings = {
    'Dir::Etc::sourcelist': join(folder, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
    'Dir::State::lists': join(folder, 'lists'),
    'Dir::State::status': join(folder, 'status'),
    'Dir::Cache': join(folder, 'cache'),
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
    // The folder is this user's alone, and root's if that is who it is.
    'APT::Sandbox::User': 'root',
  }
  const apt = (...args) => ['apt-get', '-q', ...optionsOf(settings), ...args]
  await must(`the lists of ${release} cannot be had`, apt('update', '--error-on=any'), { timeout: 2 * minutes })
  const into = { cwd: join(folder, 'got'), timeout: 5 * minutes }
  const only = ['--download-only', '--only-source', 'kubernetes']
  await must("Kubernetes' source cannot be had", apt('source', ...only), into)
  await must('the Go compiler cannot be had', apt('download', ...compiler), into)
}

/** Unpacks what was got: the compiler into `go`, the source to where it expects itself in `path`. */
async function unpack(folder, source) {
  const got = readdirSync(join(folder, 'got'))
  const archive = got.find((name) => name.endsWith('.orig.tar.gz'))
  if (!archive?.includes(version)) throw new StepError(`${release} has another version than ${version}: ${archive}`)
  mkdirSync(source, { recursive: true })
  const timeout = 3 * minutes
  // Debian's patches are of kubectl only.
  await Promise.all([
    must(
      'the source cannot be unpacked',
      ['tar', '-xzf', join(folder, 'got', archive), '--strip-components=1', '-C', source],
      {
        timeout,
      },
    ),
    ...got
      .filter((name) => name.endsWith('.deb'))
      .map((name) =>
        must('the compiler cannot be unpacked', ['dpkg-deb', '-x', join(folder, 'got', name), join(folder, 'go')], {
          timeout,
        }),
      ),
  ])
}

/** The packages whose types the server describes to its clients. */
function describedPackages(source) {
  const search = ['-rl', '--include=*.go', '--exclude=*_test.go', '+k8s:openapi-gen=', 'pkg/apis', 'staging/src/k8s.io']
  const { stdout } = spawnSync('grep', search, { cwd: source, encoding: 'utf8' })
  const files = stdout
    .split('\n')
    .filter((path) => path !== '' && !/code-generator|sample-apiserver|testdata/.test(path))
  const folders = new Set(files.map((path) => dirname(path).replace(/^staging\/src/, 'vendor')))
  return [...folders].sort().map((path) => `k8s.io/kubernetes/${path}`)
}

async function compile(folder, source) {
  const roots = join(folder, 'go/usr/lib', compiler[0].replace(/^golang-(.*)-go$/, 'go-$1'))
  const go = join(roots, 'bin/go')
  const env = {
    GOROOT: roots,
    GOPATH: join(folder, 'path'),
    GOCACHE: join(folder, 'objects'),
    GOTMPDIR: folder,
    GOENV: 'off',
    // As in its own makefile: the vendored packages are those of a folder, not of modules.
    GO111MODULE: 'off',
    GOFLAGS: '',
    GOPROXY: 'off',
    CGO_ENABLED: '0',
    // Time is shorter than memory.
    GOGC: '400',
  }
  const options = { cwd: source, env, timeout: 5 * minutes }
  const generator = join(folder, 'openapi-gen')
  await must(
    'openapi-gen does not compile',
    [go, 'build', '-o', generator, './vendor/k8s.io/kube-openapi/cmd/openapi-gen'],
    options,
  )
  // The one generated file that the source is without.
  const generate = [
    ...[generator, '--logtostderr', '-i', describedPackages(source).join(','), '-r', join(folder, 'violations')],
    ...['-p', 'k8s.io/kubernetes/pkg/generated/openapi', '-O', 'zz_generated.openapi'],
    ...['-h', 'vendor/k8s.io/code-generator/hack/boilerplate.go.txt'],
  ]
  await must('the descriptions of the types cannot be generated', generate, options)

  const [major, minor] = version.split('.')
  const versions = ['component-base/version', 'client-go/pkg/version'].flatMap((name) =>
    Object.entries({ gitVersion: `v${version}`, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' }).map(
      ([key, value]) => `-X k8s.io/kubernetes/vendor/k8s.io/${name}.${key}=${value}`,
    ),
  )
  const link = ['-s', '-w', ...versions].join(' ')
  const out = join(folder, 'out')
  mkdirSync(out)
  // Without the clients of clouds' own interfaces: no test is in a cloud.
  const build = [go, 'build', '-tags', 'providerless', '-ldflags', link, '-o', `${out}/`]
  const commands = programs.map((name) => `./cmd/${name}`)
  await must('they do not compile', [...build, ...commands], { ...options, timeout: 20 * minutes })
  for (const name of programs) await must(`${name} does not run`, [join(out, name), '--version'], { timeout: minutes })
  return out
}

/** Removes what a build left that was killed, and had an hour. */
function removeOld() {
  for (const name of readdirSync(caches)) {
    const path = join(caches, name)
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
    if (name.startsWith('building-') && age > 60 * minutes) rmSync(path, { recursive: true, force: true })
  }
}

/** Builds aside, and puts the result in its place at the end: of two at once the first one's is kept. */
async function build() {
  const unavailable = ['apt-get', 'dpkg-deb', 'tar', 'grep'].filter((name) => find(name) === undefined)
  if (unavailable.length > 0) throw new StepError(`that takes ${unavailable.join(', ')}`)
  mkdirSync(caches, { recursive: true })
  removeOld()
  const folder = mkdtempSync(join(caches, 'building-'))
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  process.once('exit', remove)
  try {
    const source = join(folder, 'path/src/k8s.io/kubernetes')
    await download(folder)
    await unpack(folder, source)
    const out = await compile(folder, source)
    try {
      renameSync(out, built)
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error
    }
  } finally {
    process.off('exit', remove)
    remove()
  }
}

/** Sees to it that the programs are there. False, having told what to do, if they can't be had. */
export async function provideKubernetes() {
  const wanted = absent()
  if (wanted.length === 0) return true
  console.log(`  building ${programs.join(' and ')} of Debian's source, once, into ${built}: some minutes`)
  try {
    await build()
  } catch (error) {
    if (!(error instanceof StepError)) throw error
    console.error(
      `  The tests need ${wanted.join(' and ')} on the PATH; please put them there. They cannot be built: ${error.message}`,
    )
    return false
  }
  const lacking = absent()
  if (lacking.length > 0) console.error(`  ${built} lacks ${lacking.join(' and ')}: please remove that folder`)
  return lacking.length === 0
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    if (!(await step('kubernetes', provideKubernetes))) throw new StepError(`no ${absent().join(' and no ')}`)
  })
}
