import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Finding, Lock } from '@locks/core'
import { fileBackend } from '@locks/file'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startRedis } from '../../servers/redis-binary.ts'
import { Playground } from './harness.ts'

/** A backend that says of itself what a test wants; the rest is memory's. */
const made = (examine: string): string => `
  import { memoryBackend, registerBackend } from '@locks/core'
  registerBackend('made', () => Object.assign(memoryBackend(), { location: 'here', ${examine} }))`

const found = (...findings: readonly (readonly [Finding['severity'], string, string])[]): string => {
  const list = findings.map(([severity, subject, message]) => ({ severity, subject, message }))
  return `examine: () => Promise.resolve(${JSON.stringify(list)})`
}

async function doctorOf(place: Playground, examine: string, ...flags: readonly string[]) {
  writeFileSync(place.path('made.mjs'), made(examine))
  const { code, stdout, stderr } = await place.locks(
    ...['doctor', '--import', './made.mjs', '--backend', 'made:', ...flags],
  )
  return { code, lines: stdout.split('\n').filter(Boolean), stderr }
}

const PROBE = /^ {2}ok {7}probe lock {2}taken in [\d.]+ ms, renewed in [\d.]+ ms, given up in [\d.]+ ms$/

describe('locks doctor', () => {
  test('says in a line each what is risky, first, and exits with 1', async () => {
    await using place = new Playground()
    const { code, lines, stderr } = await doctorOf(
      place,
      found(
        ['ok', 'server', 'is up'],
        ['unknown', 'memory', 'is secret'],
        ['risk', 'disk', 'is\nmade of \u001b[31mice'],
      ),
    )
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(lines).toEqual([
      'memory here: 1 risk',
      '  risk     disk        is made of \\u001b[31mice',
      '  unknown  memory      is secret',
      expect.stringMatching(PROBE),
      '  ok       server      is up',
    ])
  })

  test('exits with 0 if nothing is risky, even if something is unknown', async () => {
    await using place = new Playground()
    const { code, lines } = await doctorOf(place, found(['unknown', 'memory', 'is secret']))
    expect([code, lines[0]]).toEqual([0, 'memory here: no risk'])
  })

  test('--json has the same', async () => {
    await using place = new Playground()
    const { code, lines } = await doctorOf(place, found(['ok', 'a', 'b'], ['risk', 'c', 'd\ne']), '--json')
    expect(code).toBe(1)
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        backend: 'memory',
        location: 'here',
        namespace: '',
        findings: [
          { severity: 'risk', subject: 'c', message: 'd\ne' },
          { severity: 'ok', subject: 'probe lock', message: expect.stringContaining('taken in') },
          { severity: 'ok', subject: 'a', message: 'b' },
        ],
      },
    ])
  })

  test('of a backend that cannot be examined tells what it promises', async () => {
    await using place = new Playground()
    const { code, stdout } = await place.locks('doctor', '--backend', 'memory:')
    expect(code).toBe(0)
    expect(stdout).toMatch(/\n {2}ok {2}caveat {6}Holds between the tasks of one process .*\n$/)
  })

  test('goes on if only the examination fails', async () => {
    await using place = new Playground()
    const { code, lines } = await doctorOf(place, `examine: () => Promise.reject(new Error('not today'))`)
    expect([code, lines[0], lines[1]]).toEqual([
      0,
      'memory here: no risk',
      '  unknown  configuration  it could not be looked at: not today',
    ])
  })

  test('calls it a risk if no lock can be taken', async () => {
    await using place = new Playground()
    const refuse = `acquire: () => Promise.reject(Object.assign(new Error('no more locks'), { code: 'LOCK_BACKEND' }))`
    const { code, lines } = await doctorOf(place, `${refuse}, ${found(['ok', 'server', 'is up'])}`)
    expect([code, ...lines]).toEqual([
      1,
      'memory here: 1 risk',
      '  risk  probe lock  no more locks',
      '  ok    server      is up',
    ])
  })

  test('says who has its lock if it cannot have it, with 75', async () => {
    await using place = new Playground()
    const backend = fileBackend(place.url)
    onTestFinished(() => backend.close())
    await using _ = await new Lock('locks-doctor', { backend }).acquire()
    const { code, stdout, stderr } = await place.locks('doctor')
    expect({ code, stdout }).toEqual({ code: 75, stdout: '' })
    expect(stderr).toMatch(/^locks: lock "locks-doctor" on file .*: not acquired within \d+ ms: held by .*\n$/)
  })
})

describe('a directory', () => {
  test('is examined, and its lock is free afterwards', async () => {
    await using place = new Playground()
    const { code, stdout } = await place.locks('doctor')
    // It is in a folder of temporary files.
    expect(code).toBe(1)
    expect(stdout).toMatch(/^file .*: \d risks?\n {2}risk .*cleaner/)
    expect(stdout).toMatch(/\n {2}ok +directory +belongs to this user/)
    expect((await place.locks('status', 'locks-doctor')).stdout).toMatch(/: free\n$/)
  })
})

describe('a Redis server', () => {
  /** With the adapter installed beside it. */
  function playground(): Playground {
    const place = new Playground()
    const adapter = join(fileURLToPath(import.meta.resolve('@locks/redis')), '../..')
    mkdirSync(place.path('node_modules/@locks'), { recursive: true })
    symlinkSync(adapter, place.path('node_modules/@locks/redis'))
    return place
  }

  test('is examined; one that keeps its locks is no risk', async () => {
    await using place = playground()
    const server = await startRedis({ appendonly: true })
    onTestFinished(() => server.stop())
    const url = `redis://${server.host}:${server.port}`
    expect(await place.locks('doctor', '--backend', url)).toMatchObject({ code: 0, stderr: '' })
    await server.command('CONFIG', 'SET', 'appendfsync', 'no')
    const { code, stdout } = await place.locks('doctor', '--backend', url)
    expect(code).toBe(1)
    expect(stdout).toMatch(/^redis .*: 1 risk\n {2}risk {2}persistence {2}appendfsync is no: .*\n/)
  })

  test('that cannot be reached is told apart from a risky one', async () => {
    await using place = playground()
    const server = await startRedis()
    await server.stop()
    const { code, stdout, stderr } = await place.locks('doctor', '--backend', `redis://127.0.0.1:${server.port}`)
    expect({ code, stdout }).toEqual({ code: 69, stdout: '' })
    expect(stderr).toMatch(/^locks: lock "locks-doctor" on redis .*ECONNREFUSED/)
  })
})
