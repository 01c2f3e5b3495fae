import fs from 'node:fs'
import { lockKey } from '@locks/core'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { FileStore } from '../src/file-store.ts'
import { freshDirectory, record, until } from './support.ts'

const key = lockKey('billing', 'invoice:42')
const long = `1@1@${'x'.repeat(400)}`
const veryLong = `1@1@${'y'.repeat(5_000)}`

afterEach(() => void vi.restoreAllMocks())

function setUp(path = freshDirectory()) {
  const directory = `${path}/billing@invoice%3a42`
  return {
    path,
    directory,
    store: new FileStore(path, false),
    files: () => fs.readdirSync(directory),
    pointer: () => fs.readdirSync(directory).find((name) => name.includes('=')) ?? '',
  }
}

async function written(store: FileStore, value: string) {
  const version = await store.write(key, (await store.read(key)).version, record(value))
  if (version === null) throw new Error('conflict')
  return version
}

describe('a record', () => {
  test('of an unused lock is none, and reading makes nothing', async () => {
    const { store, path } = setUp()
    expect(await store.read(key)).toMatchObject({ value: null })
    expect(fs.existsSync(path)).toBe(false)
  })

  test.each(['1@1@@', long, veryLong])('reads as it was written', async (value) => {
    const { store, path, files } = setUp()
    await written(store, value)
    expect((await new FileStore(path, false).read(key)).value).toBe(value)
    await written(store, '1@2@@')
    await written(store, value)
    expect((await new FileStore(path, false).read(key)).value).toBe(value)
    await until('no old text is left', () => files().length === (value.length < 200 ? 1 : 2))
  })

  test('is written only over the version that was read', async () => {
    const { store } = setUp()
    const none = (await store.read(key)).version
    const first = await store.write(key, none, record('first'))
    expect(first).not.toBeNull()
    expect(await store.write(key, none, record('late'))).toBeNull()
    expect(await store.write(key, null, record('late'))).toBeNull()
    const second = await store.write(key, first, record(long))
    expect(second).not.toBeNull()
    expect(await store.write(key, first, record('late'))).toBeNull()
    expect(await store.write(key, first, record(veryLong))).toBeNull()
    expect(await store.remove(key, first ?? expect.fail(), 0n)).toBe(false)
    expect((await store.read(key)).value).toBe(long)
  })

  test('leaves no old text behind once its store is closed', async () => {
    const { store, files } = setUp()
    for (let count = 0; count < 20; count += 1) await written(store, long + count)
    await store.close()
    expect(files()).toHaveLength(2)
  })

  test('is in a directory and files that only the owner can enter', async () => {
    const { store, path, directory } = setUp()
    await written(store, veryLong)
    for (const made of [path, directory]) expect(fs.statSync(made).mode & 0o777).toBe(0o700)
    const more = fs.readdirSync(directory).find((name) => name.startsWith('more.'))
    expect(fs.lstatSync(`${directory}/${more}`).mode & 0o777).toBe(0o600)
  })

  test('comes back on another directory after the first one was removed', async () => {
    const { store, path } = setUp()
    const version = await written(store, 'first')
    fs.rmSync(path, { recursive: true })
    expect(await store.write(key, version, record('late'))).toBeNull()
    expect((await store.read(key)).value).toBeNull()
    await written(store, 'second')
    expect((await store.read(key)).value).toBe('second')
  })
})

describe('damage', () => {
  test.each([long, veryLong])('a lost text reads as its essence, and can be replaced', async (value) => {
    const { store, directory, files } = setUp()
    await written(store, value)
    fs.unlinkSync(`${directory}/${files().find((name) => name.startsWith('more.'))}`)
    const { value: found, version } = await store.read(key)
    expect(found).toBe('essence')
    expect(await store.write(key, version, record('next'))).not.toBeNull()
    expect((await store.read(key)).value).toBe('next')
  })

  test('a torn text reads as its essence', async () => {
    const { store, directory, files } = setUp()
    await written(store, veryLong)
    const more = `${directory}/${files().find((name) => name.startsWith('more.'))}`
    fs.truncateSync(more, 4_096)
    expect((await store.read(key)).value).toBe('essence')
    fs.truncateSync(more, 0)
    expect((await store.read(key)).value).toBe('essence')
  })

  test('in the text of a pointer is answered as it is, and can be replaced', async () => {
    const { store, directory, pointer } = setUp()
    await written(store, '1@1@@')
    fs.renameSync(`${directory}/${pointer()}`, `${directory}/${pointer()}rubbish`)
    const { value, version } = await store.read(key)
    expect(value).toBe('1@1@@rubbish')
    expect(await store.write(key, version, record('next'))).not.toBeNull()
  })

  test("others' files free nothing and stop nothing, but the directory then stays", async () => {
    const { store, directory, path } = setUp()
    const version = await written(store, 'held')
    for (const name of ['.DS_Store', 'notes=1', 'more.txt', '1.abc=held']) fs.writeFileSync(`${directory}/${name}`, '')
    fs.writeFileSync(`${path}/README`, '')
    fs.mkdirSync(`${path}/lost+found`)
    expect((await store.read(key)).value).toBe('held')
    expect(await store.remove(key, version, 5n)).toBe(false)
    expect((await store.read(key)).value).toBe('held')
    expect(await store.write(key, version, record('free'))).not.toBeNull()
    expect(await store.names('billing', '')).toEqual(['invoice:42'])
  })

  test('a directory with nothing but foreign files is refused by its name', async () => {
    const { store, directory, path } = setUp()
    fs.mkdirSync(path, { mode: 0o700 })
    fs.mkdirSync(directory)
    fs.writeFileSync(`${directory}/notes`, '')
    const { version } = await store.read(key)
    await expect(store.write(key, version, record('held'))).rejects.toMatchObject({
      code: 'LOCK_BACKEND',
      message: expect.stringContaining(directory),
    })
    expect(fs.readdirSync(directory)).toEqual(['notes'])
  })

  test('a file in the place of a directory is an error, not a free lock', async () => {
    const { store, directory, path } = setUp()
    fs.mkdirSync(path, { mode: 0o700 })
    fs.writeFileSync(directory, '')
    await expect(store.read(key)).rejects.toMatchObject({ code: 'LOCK_BACKEND' })
  })

  test('of two pointers the one with more changes counts', async () => {
    const { store, directory, pointer } = setUp()
    await written(store, 'first')
    const old = pointer()
    await written(store, 'second')
    fs.symlinkSync('-', `${directory}/${old}`)
    const { value, version } = await store.read(key)
    expect(value).toBe('second')
    // Else the other one would come to life.
    expect(await store.remove(key, version ?? expect.fail(), 1n)).toBe(false)
    expect((await store.read(key)).value).toBe('second')
  })

  test('an error tells no path with a secret in it', async () => {
    const { store } = setUp()
    const version = await written(store, 'e,owner,SECRET')
    vi.spyOn(fs, 'rename').mockImplementationOnce((from, _to, done) =>
      done(Object.assign(new Error(`EIO: '${String(from)}'`), { code: 'EIO', syscall: 'rename', path: String(from) })),
    )
    const error = await store.write(key, version, record('next')).then(
      () => expect.fail(),
      (reason: unknown) => reason,
    )
    expect(error).toMatchObject({ code: 'LOCK_BACKEND', message: expect.stringMatching(/input\/output error/) })
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('SECRET')
    expect(String((error as Error).cause)).not.toContain('SECRET')
  })
})

describe('removal', () => {
  test('leaves nothing behind but a floor that later tokens go above', async () => {
    const { store, directory } = setUp()
    const fence = BigInt(Date.now()) * 2_000n
    const version = await written(store, long)
    expect(await store.remove(key, version, fence)).toBe(true)
    expect(fs.existsSync(directory)).toBe(false)
    const { value, floor } = await store.read(key)
    expect(value).toBeNull()
    expect(floor).toBe(fence)
    expect(await store.remove(key, version, fence)).toBe(false)
  })

  test('the floor never goes down', async () => {
    const { store } = setUp()
    const high = BigInt(Date.now()) * 3_000n
    for (const fence of [high, 5n, high - 1n, high + 7n, high]) {
      await store.remove(key, await written(store, '1@1@@'), fence)
      expect((await store.read(key)).floor).toBeGreaterThanOrEqual(fence)
    }
    expect((await store.read(key)).floor).toBe(high + 8n)
  })

  test('an absence never comes back, not even where tokens have not risen', async () => {
    const { store, path } = setUp()
    const high = BigInt(Date.now()) * 3_000n
    await store.remove(key, await written(store, '1@1@@'), high)
    const { version } = await store.read(key)
    const other = new FileStore(path, false)
    await other.remove(key, await written(other, '1@1@@'), high)
    expect(await store.write(key, version, record('late'))).toBeNull()
    await written(store, 'anew')
  })

  test('a record made from an older floor is refused: the lock came and went in between', async () => {
    const { store, path } = setUp()
    const stalled = (await store.read(key)).version
    const other = new FileStore(path, false)
    await other.remove(key, await written(other, '1@1@@'), 77n)
    expect(await store.write(key, stalled, record('late'))).toBeNull()
    expect((await store.read(key)).value).toBeNull()
    expect(fs.readdirSync(`${path}/.new`)).toEqual([])
  })

  test('clears away what a stalled process was about to put in place', async () => {
    const { store, path } = setUp()
    const other = new FileStore(path, false)
    await written(other, 'elsewhere')
    const version = (await other.read(key)).version ?? expect.fail()
    // Stops the creator between its look at the floor and its last rename.
    const rename = fs.rename
    const stopped = Promise.withResolvers<() => void>()
    const spy = vi.spyOn(fs, 'rename').mockImplementation((from, to, done) => {
      if (!String(from).includes('/.new/') || String(to).includes('/.new/')) return rename(from, to, done)
      stopped.resolve(() => rename(from, to, done))
    })
    await other.remove(key, version, 1n)
    const late = store.write(key, (await store.read(key)).version, record('late'))
    const goOn = await stopped.promise
    spy.mockRestore()
    await other.remove(key, await written(other, '1@1@@'), 2n)
    goOn()
    expect(await late).toBeNull()
    expect((await store.read(key)).value).toBeNull()
  })

  test('that was cut short is completed by the next one who needs the lock', async () => {
    const { store, directory, pointer, files } = setUp()
    await written(store, long)
    fs.renameSync(`${directory}/${pointer()}`, `${directory}/${pointer().split('~')[0]}.gone`)
    expect((await store.read(key)).value).toBeNull()
    expect(await store.write(key, (await store.read(key)).version, record('first try'))).toBeNull()
    expect(fs.existsSync(directory)).toBe(false)
    await written(store, 'next')
    expect(files()).toHaveLength(1)
    expect((await store.read(key)).value).toBe('next')
  })

  test('an empty directory is a lock without a record', async () => {
    const { store, directory, path } = setUp()
    fs.mkdirSync(path, { mode: 0o700 })
    fs.mkdirSync(directory)
    expect((await store.read(key)).value).toBeNull()
    await written(store, 'held')
    expect((await store.read(key)).value).toBe('held')
  })
})

describe('names', () => {
  test('are found by namespace and beginning, long ones too', async () => {
    const { store } = setUp()
    const all = ['a', 'A', 'ab/c', 'b', 'ü'.repeat(300), '\0', '😀']
    for (const name of all) await store.write(lockKey('n', name), null, record('1@1@@'))
    await store.write(lockKey('other', 'a'), null, record('1@1@@'))
    await store.write(lockKey('', 'n@a'), null, record('1@1@@'))
    expect([...(await store.names('n', ''))].sort()).toEqual([...all].sort())
    expect([...(await store.names('n', 'a'))].sort()).toEqual(['a', 'ab/c'])
    expect(await store.names('n', 'ü')).toEqual(['ü'.repeat(300)])
    expect(await store.names('', '')).toEqual(['n@a'])
    expect(await setUp().store.names('', '')).toEqual([])
  })
})

describe('the directory', () => {
  test('is refused if others can write to it', async () => {
    const { store, path } = setUp()
    fs.mkdirSync(path)
    fs.chmodSync(path, 0o770)
    await expect(store.read(key)).rejects.toThrow(`chmod go-w '${path}'`)
    await expect(store.write(key, null, record('held'))).rejects.toMatchObject({ code: 'LOCK_BACKEND' })
    fs.chmodSync(path, 0o755)
    await written(store, 'held')
  })

  test('is refused on a network file system, unless that is asked for', async () => {
    const { store, path } = setUp()
    fs.mkdirSync(path, { mode: 0o700 })
    const statfs = vi.spyOn(fs, 'statfs') as unknown as { mockImplementation(f: unknown): void }
    statfs.mockImplementation((_path: string, done: (error: null, stats: { type: number }) => void) =>
      done(null, { type: 0x6969 }),
    )
    await expect(store.read(key)).rejects.toThrow(/network file system \(NFS\)/)
    await expect(store.write(key, null, record('held'))).rejects.toThrow(/networkFileSystem: true/)
    await written(new FileStore(path, true), 'held')
  })

  test('that is a file is refused', async () => {
    const { store, path } = setUp()
    fs.writeFileSync(path, '')
    await expect(store.write(key, null, record('held'))).rejects.toThrow(/not a directory/)
  })
})
