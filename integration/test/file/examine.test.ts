/** What `examine` says of directories that only root can make: full, read-only, of another user, in a container. */
import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Finding } from '@locks/core'
import { fileBackend } from '@locks/file'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { freshDirectory } from './harness.ts'

const run = promisify(execFile)
const PIDS = ['unshare', '--pid', '--fork', '--kill-child=SIGKILL', '--mount-proc']
const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']

beforeAll(() => {
  if (process.getuid?.() !== 0) throw new Error('these tests mount file systems and give files away: run them as root')
})

async function examine(directory: string): Promise<readonly Finding[]> {
  const backend = fileBackend(directory)
  onTestFinished(() => backend.close())
  return (await backend.examine?.({ timeout: 3_000 })) ?? expect.fail('it has nothing to examine')
}

/** Examines in a process of its own, started by `wrapper`. */
async function examineUnder(wrapper: readonly string[], directory: string): Promise<readonly Finding[]> {
  const program = `
    const { fileBackend } = await import(process.argv[1])
    const findings = await fileBackend(process.argv[2]).examine({ timeout: 3000 })
    console.log(JSON.stringify(findings))`
  const module = fileURLToPath(import.meta.resolve('@locks/file'))
  const [command = '', ...args] = [...wrapper, process.execPath, '--input-type=module', '-e', program]
  return JSON.parse((await run(command, [...args, module, directory])).stdout)
}

const about = (subject: string, findings: readonly Finding[]): string[] =>
  findings.flatMap((one) => (one.subject === subject ? [`${one.severity} ${one.message}`] : []))

describe('a file system', () => {
  function mount(options: string): string {
    const point = join(freshDirectory().parent, 'mounted')
    mkdirSync(point)
    execFileSync('mount', ['-t', 'tmpfs', '-o', `mode=700,${options}`, 'tmpfs', point])
    onTestFinished(() => void execFileSync('umount', ['--lazy', point]))
    return point
  }

  test('with room is fine', async () => {
    const findings = await examine(mount('size=64m'))
    expect(about('space', findings)).toEqual([expect.stringMatching(/^ok 64 MB/)])
    expect(about('file system', findings)).toEqual(['ok local'])
  })

  test('that is nearly full is a risk', async () => {
    expect(about('space', await examine(mount('size=1m')))).toEqual([
      expect.stringMatching(/^risk 1 MB and \d+ inodes/),
    ])
    expect(about('space', await examine(mount('size=64m,nr_inodes=500')))).toEqual([
      expect.stringMatching(/^risk 64 MB and 49\d inodes/),
    ])
  })

  test('that is read-only is a risk', async () => {
    const point = mount('size=64m')
    mkdirSync(join(point, 'store'), { mode: 0o700 })
    execFileSync('mount', ['-o', 'remount,ro', point])
    for (const directory of [join(point, 'store'), join(point, 'missing')])
      expect(about('directory', await examine(directory))).toEqual([expect.stringMatching(/^risk .*read-only/)])
  })
})

describe('a user', () => {
  test('whose directory belongs to somebody else is told so', async () => {
    const { store } = freshDirectory()
    mkdirSync(store, { mode: 0o700 })
    chownSync(store, 65_534, 65_534)
    expect(about('directory', await examine(store))).toEqual([
      'risk it belongs to user 65534, not to 0, and is refused; give one of your own',
    ])
  })

  test('who may not make the directory, or not even look, is told so', async () => {
    const { parent } = freshDirectory()
    chmodSync(parent, 0o755)
    const refused = [expect.stringMatching(/^risk .*permission denied/)]
    expect(about('directory', await examineUnder(NOBODY, join(parent, 'store')))).toEqual(refused)
    chmodSync(parent, 0o700)
    expect(about('directory', await examineUnder(NOBODY, join(parent, 'store')))).toEqual(refused)
  })
})

test('a container is told what it cannot know of others', async () => {
  const { store } = freshDirectory()
  const here = readlinkSync('/proc/self/ns/pid') === 'pid:[4026531836]' ? /^ok no container/ : /^unknown a container/
  expect(about('processes', await examine(store))).toEqual([expect.stringMatching(here)])
  expect(about('processes', await examineUnder(PIDS, store))).toEqual([
    expect.stringMatching(/^unknown a container with process ids of its own/),
  ])
})
