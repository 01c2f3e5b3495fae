import { chmodSync, promises as disk, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Finding } from '@locks/core'
import { Lock } from '@locks/core'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { type FileBackendOptions, fileBackend } from '../src/index.ts'

afterEach(() => void vi.restoreAllMocks())

/** A path that doesn't exist yet, in a directory that goes with the test and that no other user can write to. */
function lastingDirectory(): string {
  const temp = join(import.meta.dirname, '../temp')
  mkdirSync(temp, { recursive: true })
  const parent = mkdtempSync(join(temp, 'examine-'))
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }))
  return join(parent, 'store')
}

async function examine(directory: string, options: FileBackendOptions = {}): Promise<readonly Finding[]> {
  const backend = fileBackend({ directory, ...options })
  onTestFinished(() => backend.close())
  return (await backend.examine?.({ timeout: 3_000 })) ?? expect.fail('it has nothing to examine')
}

/** `risk others can write to it …` for what was found about something. */
const about = (subject: string, findings: readonly Finding[]): string[] =>
  findings.flatMap((one) => (one.subject === subject ? [`${one.severity} ${one.message}`] : []))

const risks = (findings: readonly Finding[]): string[] =>
  findings.flatMap(({ severity, subject }) => (severity === 'risk' ? [subject] : []))

async function use(directory: string): Promise<void> {
  const backend = fileBackend(directory)
  await new Lock('mine', { backend }).using(() => undefined)
  await backend.close()
}

/** The directory as if it were at another place. */
function asIfAt(path: string): void {
  vi.spyOn(disk, 'realpath').mockResolvedValue(path as never)
}

/** The directory's file system as another one. */
async function asIf(change: Partial<Awaited<ReturnType<typeof disk.statfs>>>): Promise<void> {
  const real = await disk.statfs('/')
  vi.spyOn(disk, 'statfs').mockResolvedValue({ ...real, ...change } as never)
}

describe('a directory', () => {
  test('that is used, on a local disk, is no risk, and is left as it was', async () => {
    const store = lastingDirectory()
    await use(store)
    await asIf({ type: 0xef53, files: 1e6, ffree: 1e6, bsize: 4096, bavail: 1e6 })
    // This checkout may be among temporary files itself.
    asIfAt('/usr')
    const before = readdirSync(store, { recursive: true })
    const findings = await examine(store)
    expect(risks(findings)).toEqual([])
    expect(about('rename', findings)).toEqual([expect.stringMatching(/^ok/)])
    expect(about('file system', findings)).toEqual(['ok local'])
    expect(readdirSync(store, { recursive: true })).toEqual(before)
  })

  test('that is not there yet is judged by where it would be, and not made', async () => {
    const store = lastingDirectory()
    const findings = await examine(join(store, 'deep'))
    expect(about('directory', findings)).toEqual(['ok not there yet, made on first use'])
    expect(about('rename', findings)).toEqual([])
    expect(() => readdirSync(store)).toThrow('ENOENT')
  })

  test('that has never been used is left empty', async () => {
    const store = lastingDirectory()
    mkdirSync(store, { mode: 0o700 })
    const findings = await examine(store)
    expect(about('directory', findings)).toEqual([expect.stringMatching(/^ok/)])
    expect(about('rename', findings)).toEqual([])
    expect(readdirSync(store)).toEqual([])
  })

  test('that others can write to is a risk, with what to run', async () => {
    const store = lastingDirectory()
    mkdirSync(store)
    chmodSync(store, 0o770)
    expect(about('directory', await examine(store))).toEqual([
      `risk others can write to it (mode 770), so it is refused; run: chmod go-w '${store}'`,
    ])
  })

  test('that others can move away is a risk', async () => {
    const store = lastingDirectory()
    const parent = join(store, '..')
    chmodSync(parent, 0o777)
    const risky = [expect.stringMatching(`risk others can move it away, since they can write to ${parent}; run`)]
    expect(about('directory', await examine(store))).toEqual(risky)
    mkdirSync(store, { mode: 0o700 })
    expect(about('directory', await examine(store))).toEqual(risky)
    chmodSync(parent, 0o1777)
    expect(about('directory', await examine(store))).toEqual([expect.stringMatching(/^ok/)])
  })

  test('that is a file is a risk', async () => {
    const store = lastingDirectory()
    writeFileSync(store, '')
    expect(about('directory', await examine(store))).toEqual([expect.stringMatching(/^risk .* is not a directory/)])
    expect(about('directory', await examine(join(store, 'in')))).toEqual([
      expect.stringMatching(/^risk .* a file stands where a directory is needed/),
    ])
  })

  test('among temporary files is a risk', async () => {
    expect(about('cleaner', await examine('/tmp/locks-of-nobody'))).toEqual([
      expect.stringMatching(/^risk (?:\/private)?\/tmp is cleaned/),
    ])
    asIfAt('/usr')
    expect(about('cleaner', await examine(lastingDirectory()))).toEqual([expect.stringMatching(/^ok/)])
  })

  test('in which nothing can be renamed is a risk', async () => {
    const store = lastingDirectory()
    await use(store)
    vi.spyOn(disk, 'rename').mockRejectedValue(Object.assign(new Error('EIO'), { code: 'EIO', syscall: 'rename' }))
    expect(about('rename', await examine(store))).toEqual([expect.stringMatching(/^risk .*input\/output error/)])
    expect(readdirSync(join(store, '.new'))).toEqual([])
  })
})

describe.runIf(process.platform === 'linux')('a file system', () => {
  test.for<[string, number, boolean, RegExp]>([
    ['NFS', 0x6969, false, /^risk NFS is refused/],
    ['NFS', 0x6969, true, /^risk NFS, as was allowed/],
    ['SMB, as a negative number', 0xfe534d42 | 0, false, /^risk SMB is refused/],
    ['FUSE', 0x65735546, false, /^unknown FUSE/],
    ['any other', 0x1234, false, /^unknown of the type 0x1234/],
    ['ext4', 0xef53, false, /^ok local$/],
    ['ext4, called a network', 0xef53, true, /^ok local: without networkFileSystem/],
  ])('%s (%#)', async ([, type, networkFileSystem, expected]) => {
    await asIf({ type })
    const findings = await examine(lastingDirectory(), { networkFileSystem })
    expect(about('file system', findings)).toEqual([expect.stringMatching(expected)])
    expect(about('clock', findings)).toEqual([
      expect.stringMatching(networkFileSystem ? /none is shared/ : /monotonic/),
    ])
  })

  test.for<[string, number, number, number, RegExp]>([
    ['enough', 100_000, 5_000, 1e6, /^ok 390 MB and 5000 inodes free$/],
    ['little space', 1_000, 5_000, 1e6, /^risk 3 MB and 5000 inodes free/],
    ['few inodes', 100_000, 999, 1e6, /^risk 390 MB and 999 inodes free/],
    ['no limit of inodes', 100_000, 0, 0, /^ok 390 MB free$/],
  ])('with %s', async ([, bavail, ffree, files, expected]) => {
    await asIf({ bsize: 4_096, blocks: 1e6, bavail, ffree, files })
    expect(about('space', await examine(lastingDirectory()))).toEqual([expect.stringMatching(expected)])
  })
})
