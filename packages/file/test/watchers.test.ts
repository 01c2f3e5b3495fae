import fs from 'node:fs'
import { lockKey } from '@locks/core'
import { expect, onTestFinished, test, vi } from 'vitest'
import { FileStore, type FileVersion } from '../src/file-store.ts'
import { freshDirectory, record, until } from './support.ts'

const key = lockKey('', 'watched')

function open(path: string): FileStore {
  const store = new FileStore(path, false)
  onTestFinished(() => store.close())
  return store
}

function listen(store: FileStore) {
  let notices = 0
  const stop = store.watch?.(key, () => {
    notices += 1
  })
  return { stop: stop ?? expect.fail(), count: () => notices }
}

const change = async (store: FileStore, value: string): Promise<FileVersion | null> =>
  store.write(key, (await store.read(key)).version, record(value))

test("another one's change is noticed once, an own one not at all", async () => {
  const path = freshDirectory()
  const [mine, other] = [open(path), open(path)]
  await change(mine, 'made')
  const heard = listen(mine)
  await change(mine, `1@1@${'x'.repeat(400)}`)
  await change(mine, 'again')
  await change(other, `1@1@${'y'.repeat(400)}`)
  await until('the notice', () => heard.count() > 0)
  await change(other, 'third')
  await until('the next notice', () => heard.count() > 1)
  expect(heard.count()).toBe(2)
  heard.stop()
})

test('watching before there is anything to watch begins with the first own write', async () => {
  const path = freshDirectory()
  const [mine, other] = [open(path), open(path)]
  const heard = listen(mine)
  await change(mine, 'made')
  await change(other, 'changed')
  await until('the notice', () => heard.count() > 0)
})

test('the end of the directory is noticed, and the next one is watched in turn', async () => {
  const path = freshDirectory()
  const [mine, other] = [open(path), open(path)]
  await change(mine, 'made')
  const heard = listen(mine)
  fs.rmSync(path, { recursive: true })
  await until('the notice', () => heard.count() > 0)
  await change(mine, 'anew')
  const before = heard.count()
  await change(other, 'changed')
  await until('the notice', () => heard.count() > before)
})

test('a directory that somebody else made anew is watched from the next own write on', async () => {
  const path = freshDirectory()
  const [mine, other] = [open(path), open(path)]
  await change(mine, 'made')
  const heard = listen(mine)
  fs.rmSync(path, { recursive: true })
  await until('the notice', () => heard.count() > 0)
  await change(other, 'anew')
  await change(mine, 'joined')
  const before = heard.count()
  await change(other, 'changed')
  await until('the notice', () => heard.count() > before)
})

test('one kernel watch serves all who wait, stays a moment, and goes', async () => {
  const path = freshDirectory()
  const store = open(path)
  await change(store, 'made')
  const watch = vi.spyOn(fs, 'watch')
  onTestFinished(() => watch.mockRestore())
  const first = listen(store)
  const second = listen(store)
  first.stop()
  second.stop()
  listen(store).stop()
  expect(watch).toHaveBeenCalledTimes(1)
  const watcher = watch.mock.results[0]?.value as fs.FSWatcher
  const closed = new Promise((resolve) => watcher.once('close', resolve))
  await closed
  listen(store).stop()
  expect(watch).toHaveBeenCalledTimes(2)
})

test('where the kernel has no watch left, nothing fails', async () => {
  const path = freshDirectory()
  const store = open(path)
  await change(store, 'made')
  const watch = vi.spyOn(fs, 'watch').mockImplementation(() => {
    throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
  })
  onTestFinished(() => watch.mockRestore())
  const heard = listen(store)
  await change(store, 'changed')
  heard.stop()
})

test('a write over a version that is known to be past is a conflict, but never twice', async () => {
  const path = freshDirectory()
  const [mine, other] = [open(path), open(path)]
  await change(mine, 'made')
  const heard = listen(mine)
  const version = (await mine.read(key)).version
  await change(other, 'changed')
  await until('the notice', () => heard.count() > 0)
  const rename = vi.spyOn(fs, 'rename')
  onTestFinished(() => rename.mockRestore())
  expect(await mine.write(key, version, record('late'))).toBeNull()
  expect(rename).not.toHaveBeenCalled()
  // Somebody put a copy with a later number there, and took it away again.
  const directory = `${path}/@watched`
  const [pointer = ''] = fs.readdirSync(directory)
  const before = heard.count()
  fs.symlinkSync('-', `${directory}/zz${pointer}`)
  await until('the notice', () => heard.count() > before)
  fs.unlinkSync(`${directory}/zz${pointer}`)
  expect(await change(mine, 'refused')).toBeNull()
  expect(await change(mine, 'written')).not.toBeNull()
})
