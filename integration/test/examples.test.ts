import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROOT } from './docs/documents.ts'
import { type Outcome, run } from './docs/run.ts'

const EXAMPLE = join(ROOT, 'examples/sqlite-adapter')
const LIMIT = 120_000
const WHOLE_KIT = 600_000

/** What each runner has to pass; the command passes everything. */
const PART = 'fencing: '

const BREAK = { find: '} = :version`', replace: '} IS NOT NULL OR :version IS NULL`' }
const CAUGHT_BY = 'exclusion: of attempts made at the same moment at most one is granted'

/** A way to run the kit: a script of the example. */
interface Runner {
  readonly script: string
  /** Asks it for the cases whose names contain a text. */
  only(text: string): { readonly args?: readonly string[]; readonly env?: NodeJS.ProcessEnv }
  readonly passed: RegExp
  readonly failed: RegExp
  /** What stands in front of the name of a case that failed. */
  readonly mark: string
}

const command: Runner = {
  script: 'conformance',
  only: (text) => ({ args: ['--only', text] }),
  passed: /^ .*\b(\d+) passed/m,
  failed: /^ .*\b(\d+) failed/m,
  mark: 'failed  ',
}

const testRunners: readonly Runner[] = [
  {
    script: 'test:vitest',
    only: (text) => ({ args: ['-t', text] }),
    passed: /Tests .*\b(\d+) passed/,
    failed: /Tests .*\b(\d+) failed/,
    mark: '× ',
  },
  {
    script: 'test:node',
    only: (text) => ({ env: { NODE_OPTIONS: `--test-name-pattern="${text}"` } }),
    passed: /\bpass (\d+)/,
    failed: /\bfail (\d+)/,
    mark: '✖ ',
  },
  {
    script: 'test:jest',
    only: (text) => ({ args: ['-t', text] }),
    passed: /Tests: .*\b(\d+) passed/,
    failed: /Tests: .*\b(\d+) failed/,
    mark: '✕ ',
  },
]

/** Of what the command prints as JSON. */
interface Report {
  readonly passed: number
  readonly cases: readonly { readonly outcome: string }[]
  readonly leftOut: readonly unknown[]
}

/** The environment as in a shell of its own: nothing tells that a test runner is at work. */
function environment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const marks = /^(?:VITEST.*|TEST|NODE_ENV|NODE_OPTIONS|NODE_TEST_CONTEXT|FORCE_COLOR|npm_(?:lifecycle|package)_.*)$/
  const entries = Object.entries(process.env).filter(([name]) => !marks.test(name))
  return { ...Object.fromEntries(entries), NO_COLOR: '1', ...more }
}

function runScript(cwd: string, { script, only }: Runner, text: string): Promise<Outcome> {
  const { args = [], env } = only(text)
  return run('npm', ['run', '--silent', script, '--', ...args], { cwd, env: environment(env), limit: LIMIT })
}

const counted = (pattern: RegExp, { output }: Outcome): number => Number(pattern.exec(output)?.[1] ?? 0)

async function succeed(cwd: string, file: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, output } = await run(file, args, { cwd, env: environment(), limit: LIMIT })
  expect(code, `${file} ${args.join(' ')}\n${output}`).toBe(0)
  return stdout
}

describe('examples/sqlite-adapter, copied elsewhere and installed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'locks-example-'))
  const adapter = join(folder, 'adapter')
  /** The whole kit takes its time, most of which it waits: it runs beside everything else. */
  let whole: Promise<Outcome>

  /** Leaves out what an earlier use of the example in its place may have left behind. */
  function copyTo(place: string): void {
    const own = (path: string): boolean => !['node_modules', 'dist', 'package-lock.json'].includes(basename(path))
    cpSync(EXAMPLE, place, { recursive: true, filter: own })
  }

  beforeAll(async () => {
    copyTo(adapter)
    const core = join(ROOT, 'packages/core')
    const packed = await succeed(core, 'pnpm', 'pack', '--json', '--pack-destination', folder)
    const { filename } = JSON.parse(packed) as { readonly filename: string }
    const quiet = ['--no-audit', '--no-fund', '--no-save', '--no-package-lock', '--loglevel=error']
    await succeed(adapter, 'npm', 'install', ...quiet, filename)
    const args = ['run', '--silent', command.script, '--', '--json']
    whole = run('npm', args, { cwd: adapter, env: environment(), limit: WHOLE_KIT })
  }, LIMIT)

  afterAll(async () => {
    await whole
    rmSync(folder, { recursive: true, force: true })
  }, WHOLE_KIT)

  test('type-checks, builds and is imported by its name', { timeout: LIMIT }, async () => {
    await succeed(adapter, 'npm', 'run', 'typecheck')
    await succeed(adapter, 'npm', 'run', 'build')
    const program = `
      import { createLocks } from '@locks/core'
      import { sqliteBackend } from 'locks-sqlite'
      const locks = createLocks({ backend: sqliteBackend('locks.db') })
      console.log(await locks.using('invoice:42', ({ fencingToken }) => typeof fencingToken))
      await locks.close()`
    expect(await succeed(adapter, process.execPath, '--input-type=module', '--eval', program)).toBe('bigint\n')
  })

  test('passes by each runner, and each runs the same cases', { timeout: LIMIT }, async () => {
    const passed = []
    for (const runner of [command, ...testRunners]) {
      const outcome = await runScript(adapter, runner, PART)
      expect(outcome.code, outcome.output).toBe(0)
      expect(counted(runner.failed, outcome), outcome.output).toBe(0)
      passed.push(counted(runner.passed, outcome))
    }
    expect(passed[0]).toBeGreaterThan(10)
    expect(new Set(passed).size, passed.join(', ')).toBe(1)
  })

  describe('with a write that ignores the version', () => {
    const broken = join(folder, 'broken')

    beforeAll(() => {
      copyTo(broken)
      symlinkSync(join(adapter, 'node_modules'), join(broken, 'node_modules'))
      const store = join(broken, 'src/sqlite-store.ts')
      const text = readFileSync(store, 'utf8')
      expect(text.split(BREAK.find)).toHaveLength(2)
      writeFileSync(store, text.replace(BREAK.find, BREAK.replace))
    })

    test.for([command, ...testRunners])(
      'fails by $script, which names the case',
      { timeout: LIMIT },
      async (runner) => {
        const outcome = await runScript(broken, runner, CAUGHT_BY)
        expect(outcome.code, outcome.output).toBe(1)
        expect(outcome.output).toContain(runner.mark + CAUGHT_BY)
        expect(counted(runner.failed, outcome), outcome.output).toBe(1)
        expect(counted(runner.passed, outcome), outcome.output).toBe(0)
      },
    )
  })

  test.skipIf(process.platform === 'win32')('acknowledges no write that the disk had no room for', async () => {
    const program = `
      import { lockKey } from '@locks/core'
      import { sqliteStore } from './src/sqlite-store.ts'
      const store = sqliteStore('full/locks.db')
      const record = { value: 'x'.repeat(3_000), fence: 1n, keepFor: 0, essence: () => 'x' }
      const acknowledged = []
      const failure = await (async () => {
        for (let index = 0; index < 1_000; index += 1) {
          const key = lockKey('', String(index))
          const { version } = await store.read(key, 1_000)
          if ((await store.write(key, version, record, 1_000)) !== null) acknowledged.push(key)
        }
      })().catch(({ message }) => message)
      const found = await Promise.all(acknowledged.map((key) => store.read(key, 1_000)))
      const missing = found.filter(({ value }) => value === null).length
      console.log(JSON.stringify({ failed: failure !== undefined, missing, some: acknowledged.length > 0 }))`
    mkdirSync(join(adapter, 'full'))
    writeFileSync(join(adapter, 'fill.ts'), program)
    const limited = 'trap "" XFSZ; ulimit -f 2000; exec "$0" fill.ts'
    const seen = await succeed(adapter, 'sh', '-c', limited, process.execPath)
    expect(JSON.parse(seen)).toEqual({ failed: true, missing: 0, some: true })
  })

  test('passes the whole kit, with nothing left out', { timeout: WHOLE_KIT }, async () => {
    const { code, stdout, output } = await whole
    expect(stdout, output).toMatch(/^\{/)
    const { cases, leftOut, passed } = JSON.parse(stdout) as Report
    expect(cases.filter(({ outcome }) => outcome !== 'passed')).toEqual([])
    expect(leftOut).toEqual([])
    expect({ code, passed }, output).toEqual({ code: 0, passed: cases.length })
    expect(passed).toBeGreaterThan(150)
  })
})
