// The servers that the tests talk to: the programs of this machine, beside those in containers.
import { canInstall, find, hasCandidate, installPackages } from './apt.mjs'
import { exec, run } from './bootstrap.mjs'
import { provideKubernetes } from './kubernetes.mjs'

// Tests that stop, cut off or misdate a server start its program also where there is an engine.
const programs = [
  { name: 'redis-server', packages: ['redis-server'], needed: 'always' },
  { name: 'faketime', packages: ['faketime'], needed: 'always' },
  { name: 'memcached', packages: ['memcached'], needed: 'always' },
  { name: 'etcd', packages: ['etcd-server', 'etcd'], needed: 'always' },
  { name: 'openssl', packages: ['openssl'], needed: 'always' },
  { name: 'valkey-server', packages: ['valkey-server'], needed: 'never' },
]

const absent = () => programs.filter(({ name }) => find(name) === undefined)

/** Installs the programs that are missing, if it may, and tells which versions there are. False if a needed one lacks. */
export async function provideServers() {
  const worthwhile = absent().some(({ needed, packages }) => needed !== 'never' || packages.some(hasCandidate))
  if (worthwhile && canInstall()) await installPackages(absent().map(({ packages }) => packages))

  const lacking = absent().filter(({ needed }) => needed === 'always')
  if (lacking.length > 0) {
    const names = lacking.map(({ name, packages }) => `${name} (Debian's package ${packages[0]})`)
    console.error(`  The tests need these programs on the PATH; please install them: ${names.join(', ')}`)
  }
  const kubernetes = await provideKubernetes()
  const told = await run(exec('node', 'integration/servers/versions-report.ts'), { show: true })
  return lacking.length === 0 && kubernetes && told
}
