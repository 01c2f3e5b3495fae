/** The commands on a memcached, by the adapter in the caller's folder. */
import { mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type MemcachedServer, startMemcached } from '../../servers/memcached-binary.ts'
import { Playground } from './harness.ts'

const HOLD = ['sh', '-c', 'echo $$ > holder.pid; exec sleep 60']

let server: MemcachedServer
let url: string

beforeAll(async () => {
  server = await startMemcached()
  url = `memcached://127.0.0.1:${server.port}`
})
afterAll(() => server.stop())

function place(): Playground {
  const playground = new Playground()
  const adapter = join(dirname(fileURLToPath(import.meta.resolve('@locks/memcached'))), '..')
  mkdirSync(playground.path('node_modules/@locks'), { recursive: true })
  symlinkSync(adapter, playground.path('node_modules/@locks/memcached'))
  return playground
}

test('run holds the lock while its command runs; status, list and break tell of it', async () => {
  await using here = place()
  const env = { LOCKS_BACKEND: url }
  const holder = here.start(['run', 'nightly', '--ttl', '2s', '--', ...HOLD], env)
  await here.number('holder.pid')
  expect(await here.start(['run', 'nightly', '--timeout', '0', '--', 'true'], env).ended).toMatchObject({ code: 75 })
  const { stdout } = await here.start(['status', 'nightly', '--json'], env).ended
  expect(JSON.parse(stdout).holders).toHaveLength(1)
  expect(await here.start(['list'], env).ended).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('cannot list'),
  })
  expect(await here.start(['break', 'nightly', '--yes'], env).ended).toMatchObject({
    code: 0,
    stdout: `lock "nightly" on memcached 127.0.0.1:${server.port}: broken\n`,
  })
  expect(await holder.ended).toMatchObject({ code: 76, stderr: expect.stringContaining('lost') })
})

test('doctor tells what is risky', async () => {
  await using here = place()
  const { stdout } = await here.start(['doctor', '--json', '--backend', url]).ended
  const { findings } = JSON.parse(stdout) as { readonly findings: readonly { readonly subject: string }[] }
  expect(findings.map(({ subject }) => subject)).toEqual(
    expect.arrayContaining(['version', 'eviction', 'memory', 'shared use', 'versions', 'latency', 'restart']),
  )
})

test('a server that is not there is unavailable, in one line', async () => {
  await using here = place()
  const ended = await here.start(['run', 'a', '--backend', 'memcached://127.0.0.1:1', '--', 'true']).ended
  expect(ended).toMatchObject({ code: 69, stdout: '' })
  expect(ended.stderr).toMatch(/^locks: lock "a" on memcached 127\.0\.0\.1:1: .*ECONNREFUSED.*\n$/)
})
