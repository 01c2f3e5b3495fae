import fs from 'node:fs'
import { type LockKey, lockKey } from '@locks/core'
import { expect, test } from 'vitest'
import { FileStore } from '../src/file-store.ts'
import { freshDirectory, record, until } from './support.ts'

const HOUR = 3_600_000

function age(path: string, milliseconds: number): void {
  const then = new Date(Date.now() - milliseconds)
  fs.lutimesSync(path, then, then)
}

async function setUp(names: readonly string[]) {
  const path = freshDirectory()
  const store = new FileStore(path, false)
  for (const name of names) await store.write(lockKey('', name), null, record('1@1@@'))
  const directories = () => fs.readdirSync(path).filter((name) => name.includes('@') || name.includes('~'))
  const prune = async (key: LockKey): Promise<boolean> => {
    const { version } = await store.read(key)
    return version !== null && store.remove(key, version, 1n)
  }
  return { path, store, directories, prune }
}

test('a round removes what was not used for a while, long names too, and leaves the rest', async () => {
  const { path, store, directories, prune } = await setUp(['used', 'idle', 'long'.repeat(100)])
  for (const name of directories()) if (name !== '@used') age(`${path}/${name}`, HOUR)
  await store.sweep(prune)
  expect(directories()).toEqual(['@used'])
})

test('what is still in use is left to the one who asks', async () => {
  const { path, store, directories } = await setUp(['held'])
  age(`${path}/@held`, HOUR)
  const asked: string[] = []
  await store.sweep((key) => Promise.resolve(asked.push(key.id) > 5))
  expect(asked).toEqual([':held'])
  expect(directories()).toEqual(['@held'])
})

test('a round is due again only after a while, for any process', async () => {
  const { path, store, directories, prune } = await setUp(['idle'])
  await store.sweep(prune)
  age(`${path}/@idle`, HOUR)
  await store.sweep(prune)
  await new FileStore(path, false).sweep(prune)
  expect(directories()).toEqual(['@idle'])
  age(`${path}/.sweep`, HOUR)
  await store.sweep(prune)
  expect(directories()).toEqual([])
  expect(fs.readdirSync(path).sort()).toEqual(['.floor', '.new', '.sweep'])
})

test('a stamp from the future does not stop housekeeping', async () => {
  const { path, store, directories, prune } = await setUp(['idle'])
  await store.sweep(() => Promise.resolve(false))
  age(`${path}/@idle`, HOUR)
  age(`${path}/.sweep`, -1_000 * HOUR)
  await store.sweep(prune)
  expect(directories()).toEqual([])
})

test('what crashed processes left behind goes once it is old', async () => {
  const { path, store, directories } = await setUp(['torn', 'live', 'busy'])
  const more = (count: number) => `more.${String(count).repeat(12)}`
  for (const name of ['@live', '@busy']) {
    for (const count of [1, 2]) fs.symlinkSync('x', `${path}/${name}/${more(count)}`)
    age(`${path}/${name}/${more(1)}`, 2 * HOUR)
  }
  for (const nest of ['old', 'new']) {
    fs.mkdirSync(`${path}/.new/${nest}`)
    fs.symlinkSync('x', `${path}/.new/${nest}/1.000000000000=x`)
  }
  age(`${path}/.new/old`, 2 * HOUR)
  const [pointer = ''] = fs.readdirSync(`${path}/@torn`)
  fs.renameSync(`${path}/@torn/${pointer}`, `${path}/@torn/2.000000000000.gone`)
  fs.mkdirSync(`${path}/@empty`)
  for (const name of directories()) if (name !== '@busy') age(`${path}/${name}`, HOUR)
  await store.sweep(() => Promise.resolve(false))
  expect(directories().sort()).toEqual(['@busy', '@live'])
  for (const name of ['@live', '@busy'])
    expect(fs.readdirSync(`${path}/${name}`).filter((file) => file.startsWith('more.'))).toEqual([more(2)])
  expect(fs.readdirSync(`${path}/.new`)).toEqual(['new'])
})

test('one lock that cannot be dealt with does not keep the others from their turn', async () => {
  const { path, store, directories, prune } = await setUp(['a', 'b', 'c'])
  for (const name of directories()) age(`${path}/${name}`, HOUR)
  fs.writeFileSync(`${path}/@file`, '')
  age(`${path}/@file`, HOUR)
  await store.sweep((key) => (key.name === 'b' ? Promise.reject(new Error('damaged')) : prune(key)))
  expect(directories().sort()).toEqual(['@b', '@file'])
})

test('a long round stops, and the next one goes on from there soon', async () => {
  const names = Array.from({ length: 400 }, (_, index) => `n${index}`)
  const { path, store, directories } = await setUp(names)
  for (const name of directories()) age(`${path}/${name}`, HOUR)
  const asked = new Set<string>()
  const slow = async (key: LockKey): Promise<boolean> => {
    asked.add(key.name)
    await new Promise((resolve) => setTimeout(resolve, 150))
    return false
  }
  const started = performance.now()
  await store.sweep(slow)
  expect(performance.now() - started).toBeLessThan(4_000)
  expect(asked.size).toBeGreaterThan(0)
  const first = new Set(asked)
  expect(first.size).toBeLessThan(400)
  const stamped = fs.statSync(`${path}/.sweep`).mtimeMs
  expect(Date.now() - stamped).toBeGreaterThan(9 * 60_000)
  age(`${path}/.sweep`, HOUR)
  await store.sweep((key) => Promise.resolve(first.has(key.name) ? expect.fail() : asked.add(key.name).size < 0))
  expect(asked.size).toBe(400)
})

test('rounds of several stores at once do no harm', async () => {
  const { path, directories, prune } = await setUp(Array.from({ length: 100 }, (_, index) => `n${index}`))
  for (const name of directories()) age(`${path}/${name}`, HOUR)
  await Promise.all(Array.from({ length: 4 }, () => new FileStore(path, false).sweep(prune)))
  await until('all are gone', () => directories().length === 0)
})
