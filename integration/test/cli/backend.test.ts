import { mkdirSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { Playground } from './harness.ts'

/** Puts a package into the caller's folder. */
function packageIn(place: Playground, name: string, source: string, exports: unknown = './index.js'): void {
  const folder = place.path(`node_modules/${name}`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}/package.json`, JSON.stringify({ name, type: 'module', exports }))
  writeFileSync(`${folder}/index.js`, source)
}

describe('--import', () => {
  test('a lone module adds a scheme, on the same @locks/core as the command', async () => {
    await using place = new Playground()
    writeFileSync(
      place.path('mine.ts'),
      `import { type LockBackend, memoryBackend, registerBackend } from '@locks/core'
       registerBackend('mine', (url): LockBackend => Object.assign(memoryBackend(), { name: 'mine', location: url }))`,
    )
    expect(await place.locks('status', 'a', '--import', './mine.ts', '--backend', 'mine:here')).toMatchObject({
      code: 0,
      stdout: 'lock "a" on mine mine:here: free\n',
    })
    expect(
      await place.locks('run', 'a', '--import', './mine.ts', '--backend', 'mine:here', '--', 'sh', '-c', 'exit 4'),
    ).toMatchObject({
      code: 4,
      stderr: '',
    })
  })

  test('a package of the caller adds one, too', async () => {
    await using place = new Playground()
    packageIn(
      place,
      'our-locks',
      `import { memoryBackend, registerBackend } from '@locks/core'
       registerBackend('ours', () => memoryBackend())`,
      { import: './index.js' },
    )
    expect(await place.locks('run', 'a', '--import', 'our-locks', '--backend', 'ours:', '--', 'true')).toMatchObject({
      code: 0,
      stderr: '',
    })
  })

  test('it may replace a scheme of ours, installed or not', async () => {
    await using place = new Playground()
    writeFileSync(
      place.path('mine.mjs'),
      `import { memoryBackend, registerBackend } from '@locks/core'
       registerBackend('redis', () => memoryBackend())`,
    )
    expect(await place.locks('status', 'a', '--import', './mine.mjs', '--backend', 'redis://x')).toMatchObject({
      code: 0,
    })
  })

  test.for([
    ['./missing.mjs', '--import "./missing.mjs": no such file'],
    ['missing', '--import "missing": no such package here; write ./missing for a file'],
  ] as const)('%s is not there: said in one line', async ([module, line]) => {
    await using place = new Playground()
    expect(await place.locks('status', 'a', '--import', module)).toMatchObject({ code: 64, stderr: `locks: ${line}\n` })
  })

  test('a module that fails is named in one line', async () => {
    await using place = new Playground()
    writeFileSync(place.path('broken.mjs'), 'throw new Error("no luck\\ntoday")')
    expect(await place.locks('status', 'a', '--import', './broken.mjs')).toMatchObject({
      code: 64,
      stderr: 'locks: --import "./broken.mjs" failed: Error: no luck today\n',
    })
  })
})

describe('adapters', () => {
  test('one that is not installed: how to install it', async () => {
    await using place = new Playground()
    expect(await place.locks('run', 'a', '--backend', 'redis://localhost', '--', 'true')).toEqual({
      code: 69,
      signal: null,
      stdout: '',
      stderr: 'locks: redis: needs @locks/redis, which is not installed: npm i @locks/redis ioredis\n',
    })
  })

  test('one in the caller folder is used, whatever copy of @locks/core it stands on', async () => {
    await using place = new Playground()
    packageIn(
      place,
      '@locks/redis',
      `export function redisBackend(url) {
         const failure = () => Promise.reject(Object.assign(new Error('lock "a" on redis ' + url + ': connect ECONNREFUSED'), { code: 'LOCK_BACKEND' }))
         const capabilities = { modes: ['exclusive'], queue: 'none', wakeup: 'poll', list: false,
           ttl: { min: 1, max: 1e9, granularity: 1, infinite: false }, guarantee: { scope: 'network' } }
         return { name: 'redis', location: url, capabilities, acquire: failure, cancel: () => Promise.resolve(), renew: failure,
           release: failure, inspect: failure, forceRelease: failure, list: failure, close: () => Promise.resolve() }
       }`,
    )
    expect(await place.locks('run', 'a', '--backend', 'redis://localhost', '--', 'true')).toEqual({
      code: 69,
      signal: null,
      stdout: '',
      stderr: 'locks: lock "a" on redis redis://localhost: connect ECONNREFUSED\n',
    })
    expect(await place.locks('list', '--backend', 'redis://localhost')).toMatchObject({
      code: 64,
      stderr: 'locks: redis redis://localhost cannot list its locks\n',
    })
    expect(await place.locks('run', 'a', '--shared', '--backend', 'redis://localhost', '--', 'true')).toMatchObject({
      code: 64,
    })
  })

  test('one that does not load is named with its reason', async () => {
    await using place = new Playground()
    packageIn(place, '@locks/etcd', `import 'etcd3'`)
    const { code, stderr } = await place.locks('status', 'a', '--backend', 'etcd://localhost')
    expect(code).toBe(69)
    expect(stderr).toMatch(/^locks: @locks\/etcd does not load: .*'etcd3'.*: npm i @locks\/etcd etcd3\n$/)
  })
})

describe('the default backend', () => {
  test('is the file backend, in a folder of the home directory that status prints', async () => {
    await using place = new Playground()
    const env = { HOME: place.folder, LOCKS_BACKEND: '' }
    expect((await place.start(['status', 'a'], env).ended).stdout).toMatch(/^lock "a" on file \/.+: free\n$/)
  })

  test('comes from LOCKS_BACKEND, a flag beats it', async () => {
    await using place = new Playground()
    expect((await place.start(['status', 'a'], { LOCKS_BACKEND: 'memory:' }).ended).stdout).toContain('on memory ')
    const flag = ['status', 'a', '--backend', 'memory:']
    expect((await place.start(flag, { LOCKS_BACKEND: 'nonsense' }).ended).stdout).toContain('on memory ')
  })
})
