/** The commands on Redis servers, by the adapter in the caller's folder. */
import { mkdirSync, symlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RedisServer, startRedis } from '../../servers/redis-binary.ts'
import { eventually, Playground } from './harness.ts'

const HOLD = ['sh', '-c', 'echo $$ > holder.pid; exec sleep 60']
const SECRET = 'opensesame'

let server: RedisServer
let url: string

beforeAll(async () => {
  server = await startRedis()
  url = `redis://127.0.0.1:${server.port}`
})
afterAll(() => server.stop())

function place(): Playground {
  const playground = new Playground()
  const adapter = join(dirname(fileURLToPath(import.meta.resolve('@locks/redis'))), '..')
  mkdirSync(playground.path('node_modules/@locks'), { recursive: true })
  symlinkSync(adapter, playground.path('node_modules/@locks/redis'))
  return playground
}

describe('locks run', () => {
  test('holds the lock while its command runs, and leaves it free', async () => {
    await using here = place()
    const env = { LOCKS_BACKEND: url }
    const holder = here.start(['run', 'nightly', '--', ...HOLD], env)
    const pid = await here.number('holder.pid')
    const late = await here.start(['run', 'nightly', '--timeout', '0', '--', 'true'], env).ended
    expect(late).toMatchObject({ code: 75, stderr: expect.stringContaining(`${hostname()}:${holder.pid} sh`) })

    const waiting = here.start(['run', 'nightly', '--', 'sh', '-c', 'echo got it'], env)
    await eventually('it waits', async () => {
      const { stdout } = await here.start(['status', 'nightly', '--json'], env).ended
      return JSON.parse(stdout).waiters === 1
    })
    process.kill(pid, 'SIGTERM')
    expect(await waiting.ended).toMatchObject({ code: 0, stdout: 'got it\n', stderr: '' })
    expect((await here.start(['status', 'nightly'], env).ended).stdout).toBe(
      `lock "nightly" on redis 127.0.0.1:${server.port}: free\n`,
    )
  })

  test('ends its command when the lock is broken', async () => {
    await using here = place()
    const env = { LOCKS_BACKEND: url }
    const holder = here.start(['run', 'broken', '--ttl', '1s', '--', ...HOLD], env)
    await here.number('holder.pid')
    expect(await here.start(['break', 'broken', '--yes'], env).ended).toMatchObject({
      code: 0,
      stdout: `lock "broken" on redis 127.0.0.1:${server.port}: broken\n`,
    })
    expect(await holder.ended).toMatchObject({ code: 76, stderr: expect.stringContaining('lost') })
  })

  test('shared holders hold together', async () => {
    await using here = place()
    const env = { LOCKS_BACKEND: url }
    here.start(['run', 'readers', '--shared', '--', ...HOLD], env)
    await here.number('holder.pid')
    const reader = await here.start(['run', 'readers', '--shared', '--timeout', '0', '--', 'true'], env).ended
    const writer = await here.start(['run', 'readers', '--timeout', '0', '--', 'true'], env).ended
    expect([reader.code, writer.code]).toEqual([0, 75])
  })

  test('a server that is not there is unavailable, in one line', async () => {
    await using here = place()
    const ended = await here.start(['run', 'a', '--backend', 'redis://127.0.0.1:1', '--', 'true']).ended
    expect(ended).toMatchObject({ code: 69, stdout: '' })
    expect(ended.stderr).toMatch(/^locks: lock "a" on redis 127\.0\.0\.1:1: .*ECONNREFUSED.*\n$/)
  })

  test('a password is used, and never shown', async () => {
    await server.command('ACL', 'SETUSER', 'ada', 'on', `>${SECRET}`, '~*', '&*', '+@all')
    await using here = place()
    const at = (password: string): string => `redis://ada:${password}@127.0.0.1:${server.port}`
    const held = here.start(['run', 'secret', '--', ...HOLD], { LOCKS_BACKEND: at(SECRET) })
    await here.number('holder.pid')
    const seen = await Promise.all([
      here.start(['status', 'secret', '--backend', at(SECRET)]).ended,
      here.start(['run', 'secret', '--timeout', '0', '--backend', at(SECRET), '--', 'true']).ended,
      here.start(['status', 'secret', '--backend', at(`${SECRET}wrong`)]).ended,
    ])
    expect(seen.map(({ code }) => code)).toEqual([0, 75, 69])
    expect(seen[2]?.stderr).toContain('password')
    for (const { stdout, stderr } of seen) expect(stdout + stderr).not.toContain(SECRET)
    held.child.kill('SIGTERM')
  })
})

test('locks list names what is held, of one namespace', async () => {
  await using here = place()
  const env = { LOCKS_BACKEND: url, LOCKS_NAMESPACE: 'listed' }
  expect(await here.start(['list'], env).ended).toMatchObject({ code: 0, stdout: '' })
  here.start(['run', 'etl/orders', '--', ...HOLD], env)
  await here.number('holder.pid')
  expect(await here.start(['list', 'etl/'], env).ended).toMatchObject({ code: 0, stdout: 'etl/orders\n' })
  expect(await here.start(['list', 'other'], env).ended).toMatchObject({ code: 0, stdout: '' })
})

test('locks break says where nobody held', async () => {
  await using here = place()
  expect(await here.start(['break', 'idle', '--yes', '--backend', url]).ended).toMatchObject({
    code: 0,
    stdout: `lock "idle" on redis 127.0.0.1:${server.port}: nobody holds it\n`,
  })
})

test.each(['redis', 'valkey'])('the scheme %s: is plain', async (scheme) => {
  await using here = place()
  const backend = `${scheme}://127.0.0.1:${server.port}`
  expect(await here.start(['status', 'a', '--backend', backend]).ended).toMatchObject({ code: 0 })
})

test.each(['rediss', 'valkeys'])('the scheme %s: speaks TLS, which this server does not', async (scheme) => {
  await using here = place()
  const backend = `${scheme}://127.0.0.1:${server.port}`
  const { code, stderr } = await here.start(['status', 'a', '--backend', backend]).ended
  expect(code).toBe(69)
  expect(stderr).toMatch(/^locks: lock "a" on redis 127/)
})
