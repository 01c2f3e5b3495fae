/** The commands on servers of several kinds, by the adapter in the caller's folder. */
import { mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startEtcd } from '../../servers/etcd-binary.ts'
import { startMemcached } from '../../servers/memcached-binary.ts'
import type { Server } from '../../servers/server.ts'
import { Playground } from './harness.ts'

const HOLD = ['sh', '-c', 'echo $$ > holder.pid; exec sleep 60']

const kinds: readonly {
  readonly kind: string
  readonly start: () => Promise<Server>
  /** What `list` comes to while `nightly` is held. */
  readonly list: object
  /** Of the findings. */
  readonly subjects: readonly string[]
}[] = [
  {
    kind: 'etcd',
    start: startEtcd,
    list: { code: 0, stdout: 'nightly\n' },
    subjects: ['version', 'members', 'alarms', 'quota'],
  },
  {
    kind: 'memcached',
    start: startMemcached,
    list: { code: 64, stderr: expect.stringContaining('cannot list') },
    subjects: ['version', 'eviction', 'memory', 'shared use', 'versions', 'latency', 'restart'],
  },
]

describe.each(kinds)('on $kind', ({ kind, start, list, subjects }) => {
  let server: Server
  let url: string

  beforeAll(async () => {
    server = await start()
    url = `${kind}://127.0.0.1:${server.port}`
  })
  afterAll(() => server.stop())

  function place(): Playground {
    const playground = new Playground()
    const adapter = join(dirname(fileURLToPath(import.meta.resolve(`@locks/${kind}`))), '..')
    mkdirSync(playground.path('node_modules/@locks'), { recursive: true })
    symlinkSync(adapter, playground.path(`node_modules/@locks/${kind}`))
    return playground
  }

  test('run holds the lock while its command runs; status, list and break tell of it', async () => {
    await using here = place()
    const env = { LOCKS_BACKEND: url }
    const holder = here.start(['run', 'nightly', '--ttl', '3s', '--', ...HOLD], env)
    await here.number('holder.pid')
    expect(await here.start(['run', 'nightly', '--timeout', '0', '--', 'true'], env).ended).toMatchObject({ code: 75 })
    const { stdout } = await here.start(['status', 'nightly', '--json'], env).ended
    expect(JSON.parse(stdout).holders).toHaveLength(1)
    expect(await here.start(['list'], env).ended).toMatchObject(list)
    expect(await here.start(['break', 'nightly', '--yes'], env).ended).toMatchObject({
      code: 0,
      stdout: `lock "nightly" on ${kind} 127.0.0.1:${server.port}: broken\n`,
    })
    expect(await holder.ended).toMatchObject({ code: 76, stderr: expect.stringContaining('lost') })
  })

  test('doctor tells what is risky', async () => {
    await using here = place()
    const { stdout } = await here.start(['doctor', '--json', '--backend', url]).ended
    const { findings } = JSON.parse(stdout) as { readonly findings: readonly { readonly subject: string }[] }
    expect(findings.map(({ subject }) => subject)).toEqual(expect.arrayContaining([...subjects]))
  })

  test('a server that is not there is unavailable, in one line', async () => {
    await using here = place()
    const ended = await here.start(['run', 'a', '--backend', `${kind}://127.0.0.1:1`, '--', 'true']).ended
    expect(ended).toMatchObject({ code: 69, stdout: '' })
    expect(ended.stderr).toMatch(new RegExp(`^locks: lock "a" on ${kind} 127\\.0\\.0\\.1:1: .*ECONNREFUSED.*\n$`))
  })
})
