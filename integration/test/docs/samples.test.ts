import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { startEtcd } from '../../servers/etcd-binary.ts'
import { startKube } from '../../servers/kube.ts'
import { startMemcached } from '../../servers/memcached-binary.ts'
import { startRedis } from '../../servers/redis-binary.ts'
import { compile, emptyFolder, type Sample } from './compile.ts'
import { type Block, manuals, partsOf, placeOf, ROOT } from './documents.ts'
import { type Outcome, run } from './run.ts'

const LIMIT = 20_000
/** Samples that are test files themselves need not run all their tests: only these. */
const SOME_TESTS = '^exclusion: two contenders'

const blocks = manuals().flatMap((document) => partsOf(document).blocks)
const programs = await compile(
  blocks.filter(({ language }) => language === 'ts'),
  'samples',
)
const scripts = blocks.filter(({ language }) => language === 'sh')

const folder = emptyFolder('runs')
const commands = join(folder, 'bin')
mkdirSync(commands)
symlinkSync(join(ROOT, 'packages/cli/dist/cli.js'), join(commands, 'locks'))

const redis = await Promise.all([startRedis(), startRedis(), startRedis()])
afterAll(() => Promise.all(redis.map((server) => server.stop())))
const etcd = await startEtcd()
afterAll(() => etcd.stop())
const memcached = await startMemcached()
afterAll(() => memcached.stop())
const kube = await startKube()
afterAll(() => kube.stop())
const kubeConfig = join(folder, 'kubeconfig')
writeFileSync(kubeConfig, JSON.stringify(kube.kubeConfig()))
const urls = redis.map(({ port }) => `redis://127.0.0.1:${port}`)

/** An environment in which everything that a sample writes lands in a folder of its own. */
function surroundings(block: Block): { readonly cwd: string; readonly env: NodeJS.ProcessEnv } {
  const cwd = join(folder, placeOf(block).replaceAll(/[^\w.-]/g, '_'))
  const home = join(cwd, 'home')
  mkdirSync(home, { recursive: true })
  const env = {
    PATH: [commands, dirname(process.execPath), process.env.PATH].join(delimiter),
    HOME: home,
    TMPDIR: home,
    NO_COLOR: '1',
    NODE_OPTIONS: `--disable-warning=ExperimentalWarning --import=${pathToFileURL(join(import.meta.dirname, 'home.ts'))}`,
    LOCKS_BACKEND: `file://${join(cwd, 'locks')}`,
    REDIS_URL: urls[0],
    REDIS_SERVERS: urls.join(' '),
    KUBECONFIG: kubeConfig,
    MEMCACHED_URL: `memcached://127.0.0.1:${memcached.port}`,
    ETCD_URL: `etcd://127.0.0.1:${etcd.port}`,
  }
  return { cwd, env }
}

/** How a program is started; test files by their runner. */
function commandFor({ block, module }: Sample): readonly string[] {
  switch (block.traits.get('run')) {
    case undefined:
      return [module]
    case 'node:test':
      return ['--test', `--test-name-pattern=${SOME_TESTS}`, module]
    case 'vitest': {
      const vitest = join(ROOT, 'integration/node_modules/vitest/vitest.mjs')
      return [vitest, 'run', '--root', dirname(module), '--testNamePattern', SOME_TESTS, module]
    }
    default:
      throw new Error(`${placeOf(block)}: unknown way to run it: ${block.traits.get('run')}`)
  }
}

/** What the comments of a program say that it prints: `// → true`; `…` stands for anything. */
const announced = (text: string): RegExp[] =>
  [...text.matchAll(/\/\/ → (.*)$/gm)].map(([, line = '']) => {
    const parts = line
      .trim()
      .split('…')
      .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    return new RegExp(`^${parts.join('.*')}$`)
  })

function expectAnnounced(text: string, { stdout }: Outcome): void {
  const expected = announced(text)
  if (expected.length === 0) return
  const lines = stdout.trimEnd().split('\n')
  for (const [index, line] of expected.entries()) expect(lines[index], `line ${index + 1} of its output`).toMatch(line)
  expect(lines).toHaveLength(expected.length)
}

describe('programs', () => {
  test.for(programs.map((sample) => [placeOf(sample.block), sample] as const))(
    '%s compiles, runs and ends by itself',
    { timeout: LIMIT + 5_000 },
    async ([, sample]) => {
      expect(sample.complaints).toEqual([])
      const outcome = await run(process.execPath, commandFor(sample), { ...surroundings(sample.block), limit: LIMIT })
      expect(outcome.code, outcome.output).toBe(0)
      if (sample.block.traits.has('run')) expect(outcome.output).toMatch(/\bpass 1\b|\b1 passed\b/)
      expectAnnounced(sample.block.text, outcome)
    },
  )
})

describe('scripts', () => {
  test.for(scripts.map((block) => [placeOf(block), block] as const))(
    '%s runs',
    { timeout: LIMIT + 5_000 },
    async ([, block]) => {
      const outcome = await run('sh', ['-eu', '-c', block.text], { ...surroundings(block), limit: LIMIT })
      expect(outcome.code, outcome.output).toBe(0)
    },
  )
})
