import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { conformance } from './command.ts'

const folder = mkdtempSync(join(tmpdir(), 'locks-conformance-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A module that needs nothing. */
function module(name: string, source: string): string {
  const path = join(folder, name)
  writeFileSync(path, source)
  return path
}

describe('a target that keeps the promises', () => {
  test('passes, a line per case, and is closed at the end', async () => {
    const { code, stdout, stderr } = await conformance(['./file.ts', '--only', 'names:', '--only', 'Too Long'])
    expect(stdout).toMatch(/^passed {2}names: \S.* {2}\(\d+ ms\)$/m)
    expect(stdout).not.toMatch(/^failed/m)
    expect(stdout).toMatch(/✓ \d+ passed/)
    expect(stderr).toMatch(/^closed \S+\n$/)
    expect(code).toBe(0)
  })

  test('is had by other processes, too: they load the same module', async () => {
    const { code, stdout } = await conformance(['./file.ts', '--only', 'held for another process'])
    expect(stdout).toMatch(/^passed {2}processes: /m)
    expect(code).toBe(0)
  })

  test('is not had by other processes where its storage is within one', async () => {
    const { code, stdout } = await conformance(['./memory.ts', '--only', 'names:', '--only', 'processes:'])
    expect(stdout).not.toMatch(/^(?:passed|failed) {2}processes: /m)
    expect(code).toBe(0)
  })

  test('is told what to offer so that more is checked', async () => {
    const { stdout } = await conformance(['./memory.ts', '--only', 'exclusion'])
    expect(stdout).toMatch(/\d+ cases? needs? .*the fault "disconnect"/)
    expect(stdout).toMatch(/✓ \d+ passed, \d+ left out/)
  })

  test('does not keep the command from ending, whatever it leaves open', async () => {
    const { code } = await conformance(['./memory.ts', '--only', 'lost its reply', '--only', 'not re-entrant'])
    expect(code).toBe(0)
  })
})

describe('a target that breaks a promise', () => {
  test('exits with 1, names the case, and says what was seen and where', async () => {
    const { code, stdout } = await conformance(['./greedy.ts', '--only', 'at most one is granted', '--seed', '7'])
    const name = 'exclusion: of attempts made at the same moment at most one is granted'
    expect(stdout).toContain(`failed  ${name}  (`)
    expect(stdout).toMatch(
      /✗ exclusion: of attempts .*\n +\d of 4 were granted\n +at body \(\S+exclusion\.js:\d+:\d+\)/,
    )
    expect(stdout).toContain(`locks-conformance ./greedy.ts --seed 7 --only '${name}'`)
    expect(code).toBe(1)
  })

  test('is reported as JSON, with nothing else on stdout', async () => {
    const { code, stdout, stderr } = await conformance(['./memory.ts', '--only', 'names', '--json', '--seed', '42'])
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({ version: 1, target: 'memory', seed: 42, only: ['names'], failed: 0, notRun: [] })
    expect(report.cases).toHaveLength(report.passed)
    expect(stderr).toBe('the adapter logs something\n')
    expect(code).toBe(0)
  })

  test('is shown on a page that no text of it can break', async () => {
    const file = join(folder, 'report.html')
    const { code } = await conformance(['./greedy.ts', '--only', 'as many hold at once', '--html', file])
    const page = readFileSync(file, 'utf8')
    expect(page).toContain('<h1>greedy &lt;/script&gt;&lt;b&gt;memory&lt;/b&gt;</h1>')
    expect(page.match(/<script/g)).toHaveLength(2)
    const [, json = ''] = /<script type="application\/json" id="report">(.*?)<\/script>/s.exec(page) ?? []
    const report = JSON.parse(json)
    expect(report.target).toBe('greedy </script><b>memory</b>')
    expect(report.cases[0].timeline.overlaps).not.toEqual([])
    expect(code).toBe(1)
  })
})

describe('an adapter that misbehaves', () => {
  test('fails the case at work when it throws where nobody listens, and the run goes on', async () => {
    const { code, stdout } = await conformance(['./stray.ts', '--only', 'exclusion: t'])
    expect(stdout).toContain('something was thrown that nobody caught: thrown by a timer of the adapter')
    expect(stdout.match(/^failed/gm)?.length).toBeGreaterThan(1)
    expect(code).toBe(1)
  })

  test('cannot end the process as if all were well', async () => {
    const { code, stderr } = await conformance(['./leaving.ts', '--only', 'two contenders'])
    expect(stderr).toContain('"exclusion: two contenders never hold at once" was at work')
    expect(stderr).toContain('process.exit(0)')
    expect(code).toBe(1)
  })
})

describe('a run ends early, after telling what was found so far,', () => {
  test('by SIGINT, with 130; the target is closed and the page written', async () => {
    const file = join(folder, 'interrupted.html')
    let sent = false
    const { code, stdout, stderr } = await conformance(['./file.ts', '--html', file], (text, child) => {
      if (sent || !text.includes('\npassed')) return
      sent = true
      child.kill('SIGINT')
    })
    expect(stdout).toMatch(/! \d+ passed, \d+ not run/)
    expect(stderr).toMatch(/^closed /m)
    expect(readFileSync(file, 'utf8')).toContain('<h2>Not run</h2>')
    expect(code).toBe(130)
  })

  test('by a pipe that nobody reads any more, without a word', async () => {
    const { code, stderr } = await conformance(['./memory.ts'], (_, child) => child.stdout?.destroy())
    expect(stderr).toBe('')
    expect(code).toBe(141)
  })
})

describe('exits with 2, and says in a line or two what is wrong', () => {
  const target = (rest: string): string => `export const target = { name: 'x', ${rest} }`
  const cases: readonly (readonly [string, () => readonly string[], RegExp])[] = [
    ['without a module', () => [], /needs the module that exports the target/],
    ['where there is none', () => ['./nowhere.js'], /nowhere\.js: no such file/],
    ['with a folder', () => ['.'], /is no file/],
    ['with an unknown flag', () => ['./memory.ts', '--fast'], /unknown flag --fast/],
    ['with a seed that is none', () => ['./memory.ts', '--seed', '1.5'], /--seed must be a whole number.*"1\.5"/],
    [
      'where no case has the text',
      () => ['./memory.ts', '--only', 'zebra'],
      /no case has "zebra".*themes are: exclusion,/,
    ],
    [
      'with a page that cannot be written',
      () => ['./memory.ts', '--html', 'no/where.html'],
      /no\/where\.html can't be/,
    ],
    [
      'without the export',
      () => [module('other.mjs', 'export const tarket = {}; export const b = 1')],
      /exports no "target", only b and tarket/,
    ],
    [
      'that throws',
      () => [module('throws.mjs', 'throw new RangeError("no port")')],
      /RangeError: no port\n +at .*:1:7/,
    ],
    ['with a mistake in its text', () => [module('typo.mjs', 'export const = 1')], /SyntaxError: .*node --check/],
    [
      'that never ends to load',
      () => [module('waits.mjs', 'await new Promise(() => {})')],
      /while .*waits\.mjs was loading: it awaits what never comes/,
    ],
    [
      'that makes up capabilities',
      () => [module('caps.mjs', target('connect() {}, capabilities: { queue: "lifo" }'))],
      /target\.capabilities\.queue is "lifo", not "fifo" or "none"/,
    ],
    [
      'without a function',
      () => [module('connect.mjs', target('connect: {}'))],
      /connect is an object, not a function/,
    ],
  ]
  test.for(cases)('%s', async ([, args, message]) => {
    const { code, stdout, stderr } = await conformance(args())
    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/conformance\/command/)
    expect(stdout.replace('the adapter logs something\n', '')).toBe('')
    expect(code).toBe(2)
  })
})
