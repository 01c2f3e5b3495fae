import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'

/** A line of the built packages, or of the target, that is broken so that several processes are needed to see it. */
interface Mutant {
  readonly flaw: string
  /** Below node_modules, or the target itself. */
  readonly file: string
  readonly find: string
  readonly replace: string
  readonly caughtBy: readonly string[]
}

const TARGET = 'target.mjs'
const CORE = '@locks/core/dist/index.js'

const mutants: readonly Mutant[] = [
  {
    flaw: 'each process has a storage of its own',
    file: TARGET,
    find: "process.env.LOCKS_MUTANT_DIRECTORY + ''",
    replace: 'process.env.LOCKS_MUTANT_DIRECTORY + process.pid',
    caughtBy: ['a lock that is held here is held for another process, and the reverse'],
  },
  {
    flaw: 'connecting starts a timer that close leaves alone',
    file: TARGET,
    find: 'connect: () => fileBackend(directory),',
    replace: 'connect: () => (setInterval(() => {}, 60_000), fileBackend(directory)),',
    caughtBy: ['a process ends by itself after release and close'],
  },
  {
    flaw: 'timers of held leases keep the process up',
    file: CORE,
    find: 'if (!keepAlive)',
    replace: 'if (false)',
    caughtBy: ['a held lease does not keep its process up'],
  },
  {
    flaw: 'timers of who waits do not keep the process up',
    file: CORE,
    find: 'if (!keepAlive)',
    replace: 'if (true)',
    caughtBy: ['a pending acquire keeps its process up until it is granted'],
  },
  {
    flaw: 'whoever asks may enter',
    file: CORE,
    find: 'if (first === void 0) return true;',
    replace: 'return true;',
    caughtBy: [
      'processes never hold at once, and tokens rise',
      'a writer of one process never holds beside readers of others while some are stopped and go on',
      'a writer of one process never holds beside readers of others while some are killed',
    ],
  },
  {
    flaw: 'one permit too many is given',
    file: CORE,
    find: 'holders.length < permits;',
    replace: 'holders.length <= permits;',
    caughtBy: [
      'no permit is given to two processes while some are stopped and go on',
      'no permit is given to two processes while some are killed',
    ],
  },
  {
    flaw: 'for a lease no time passes',
    file: CORE,
    find: 'Math.max(now.mono - since.mono, now.wall - since.wall);',
    replace: '0;',
    caughtBy: [
      'a holder that was stopped for longer than its ttl finds its lease lost, and leaves its successor alone',
      'processes never hold at once, and tokens rise, while some are stopped and go on',
    ],
  },
  {
    flaw: 'tokens start again after a holder that died',
    file: CORE,
    find: 'let fence = state.fence;',
    replace: 'let fence = holders.length < state.holders.length ? 0n : state.fence;',
    caughtBy: ['processes never hold at once, and tokens rise, while some are killed'],
  },
  {
    flaw: 'the dead are never dropped',
    file: CORE,
    find: 'const { process } = entry;',
    replace: 'const { process } = entry; if (true) return false;',
    caughtBy: [
      'a holder whose process was killed is replaced by who waits, as soon as is declared',
      'a waiter whose process was killed is skipped',
    ],
  },
  {
    flaw: 'the queue is a stack',
    file: CORE,
    find: 'queue: [...state.queue, waiter]',
    replace: 'queue: [waiter, ...state.queue]',
    caughtBy: ['waiters of different processes are served in the order of their arrival'],
  },
  {
    flaw: 'a lease that was handed over can be taken up twice',
    file: CORE,
    find: 'const token = request.rotateTo ?? request.token;',
    replace: 'const token = request.token;',
    caughtBy: ['a lease detached in one process goes on in another, and nobody gets in between'],
  },
]

const packages = join(import.meta.dirname, '../../../packages')
const root = mkdtempSync(join(tmpdir(), 'locks-mutants-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const files = {
  [TARGET]: `
    import { fileBackend } from '@locks/file'
    const directory = process.env.LOCKS_MUTANT_DIRECTORY + ''
    export const target = {
      name: 'mutant',
      module: import.meta.url,
      capabilities: fileBackend(directory).capabilities,
      connect: () => fileBackend(directory),
      ttl: 500,
    }`,
  'run.mjs': `
    import { conformanceCases } from '@locks/core/conformance'
    import { target } from './target.mjs'
    const found = conformanceCases(target, { seed: 1 }).find(({ name }) => name === 'processes: ' + process.argv[2])
    const verdict = await found.run().then(() => 'passed', ({ name, code, message }) => [name, code, message].join(' '))
    process.stdout.write(verdict, () => process.exit())`,
}

/** Installs the built packages, with one line of them changed. */
function install(mutant?: Mutant): string {
  const project = mkdtempSync(join(root, 'project-'))
  for (const name of ['core', 'file']) {
    const folder = join(project, 'node_modules/@locks', name)
    mkdirSync(folder, { recursive: true })
    for (const part of ['package.json', 'dist'])
      cpSync(join(packages, name, part), join(folder, part), { recursive: true })
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(project, name), text)
  if (mutant === undefined) return project
  const path = join(project, mutant.file === TARGET ? '' : 'node_modules', mutant.file)
  const text = readFileSync(path, 'utf8')
  expect(text.split(mutant.find), `${mutant.file} has the line once`).toHaveLength(2)
  writeFileSync(path, text.replace(mutant.find, mutant.replace))
  return project
}

/** `passed`, or what the case says. */
function verdict(project: string, title: string): Promise<string> {
  const env = { ...process.env, LOCKS_MUTANT_DIRECTORY: join(project, 'locks') }
  return new Promise((resolve) => {
    execFile(process.execPath, ['run.mjs', title], { cwd: project, env, timeout: 60_000 }, (error, stdout, stderr) =>
      resolve(stdout === '' ? `crashed: ${error?.message} ${stderr}` : stdout),
    )
  })
}

const titles = [...new Set(mutants.flatMap(({ caughtBy }) => caughtBy))]

describe.concurrent('the cases with several processes', () => {
  const sound = install()
  test.for(titles)('pass with sound packages: %s', { timeout: 90_000 }, async (title) => {
    expect(await verdict(sound, title)).toBe('passed')
  })

  const pairs = mutants.flatMap((mutant) => mutant.caughtBy.map((title) => [mutant.flaw, title, mutant] as const))
  test.for(pairs)('%s → %s', { timeout: 90_000 }, async ([, title, mutant]) => {
    expect(await verdict(install(mutant), title)).toMatch(/^(AssertionError|Lock\w*Error) /)
  })
})
