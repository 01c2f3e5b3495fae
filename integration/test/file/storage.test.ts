/** Trouble with the directory: full, read-only, foreign, gone, damaged. */
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, lutimesSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Lease, Lock, type LockOptions } from '@locks/core'
import { type FileBackend, fileBackend } from '@locks/file'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Agent, backendError, freshDirectory, until } from './harness.ts'

function open(directory: string): { backend: FileBackend; lock: (name: string, options?: LockOptions) => Lock } {
  const backend = fileBackend(directory)
  onTestFinished(() => backend.close())
  return { backend, lock: (name, options = {}) => new Lock(name, { ...options, backend }) }
}

const isRoot = process.getuid?.() === 0
const needRoot = (): void => {
  if (!isRoot) throw new Error('these tests mount file systems and give files away: run them as root')
}

/** A file system of its own. */
function mount(options: string): { readonly store: string; readonly remount: (options: string) => void } {
  const { parent } = freshDirectory()
  const point = join(parent, 'mounted')
  mkdirSync(point)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `mode=700,${options}`, 'tmpfs', point])
  onTestFinished(() => void execFileSync('umount', ['--lazy', point]))
  return {
    store: join(point, 'store'),
    remount: (change) => void execFileSync('mount', ['-o', `remount,${change}`, point]),
  }
}

describe('a full disk', () => {
  beforeAll(needRoot)

  test.each([
    ['size=128k', [16_384, 4_096], 'long'],
    ['nr_inodes=24', [0], 'new'],
  ])('(%s) is a clear error for what needs space, and takes nothing from others', async (limit, sizes, refused) => {
    const { store } = mount(limit)
    const { lock } = open(store)
    const other = open(store)
    const held = await lock('held', { ttl: 60_000 }).acquire()
    const idle = await lock('idle').acquire()
    await idle.release()
    await (await lock('long').acquire()).release()
    const fill: string[] = []
    const write = (size: number): void => {
      for (;;) {
        const file = `${store}/filler${fill.length}`
        fill.push(file)
        writeFileSync(file, 'x'.repeat(size))
      }
    }
    for (const size of sizes) expect(() => write(size)).toThrow('ENOSPC')

    const options = { metadata: 'm'.repeat(1_000) }
    const message = new RegExp(`lock "${refused}".*no space or no inodes left.*ENOSPC`)
    await expect(lock(refused, options).acquire()).rejects.toMatchObject(backendError(message))
    expect(await other.lock(refused).locked()).toBe(false)
    expect(held.held).toBe(true)
    await held.renew()
    expect(await other.lock('held').tryAcquire()).toBeNull()
    expect((await other.lock('held').inspect()).holders).toMatchObject([{ owner: held.owner }])
    // What fits into a name needs no space.
    const again = await other.lock('idle').acquire()
    expect(again.fencingToken).toBeGreaterThan(idle.fencingToken)
    expect(await again.release()).toBe(true)

    for (const file of fill) rmSync(file, { force: true })
    expect(await held.release()).toBe(true)
    await (await lock(refused, options).acquire()).release()
    expect(readdirSync(`${store}/.new`)).toEqual([])
    await until('no text is left', () => readdirSync(`${store}/@${refused}`).length === 1)
  })
})

describe('a read-only file system', () => {
  beforeAll(needRoot)

  test('is a clear error for who wants to change something; holders keep what they have', async () => {
    const { store, remount } = mount('size=1m')
    const { lock } = open(store)
    const lease = await lock('held', { ttl: 60_000 }).acquire()
    remount('ro')
    const other = open(store)
    await expect(lease.renew()).rejects.toMatchObject(backendError(/lock "held".*read-only/))
    await expect(other.lock('held').acquire()).rejects.toMatchObject(backendError(/read-only/))
    await expect(other.lock('new').acquire()).rejects.toMatchObject(backendError(/lock "new".*read-only/))
    expect(await other.lock('held').locked()).toBe(true)
    expect(await other.lock('new').locked()).toBe(false)
    expect(lease.held).toBe(true)
    remount('rw')
    await lease.renew()
    expect(await lease.release()).toBe(true)
  })

  test('without the directory on it says so', async () => {
    const { store, remount } = mount('size=1m')
    remount('ro')
    await expect(open(store).lock('a').acquire()).rejects.toMatchObject(backendError(/read-only/))
  })
})

describe('a directory of another user', () => {
  beforeAll(needRoot)

  test('is refused', async () => {
    const { store } = freshDirectory()
    mkdirSync(store, { mode: 0o700 })
    chownSync(store, 65_534, 65_534)
    const { lock } = open(store)
    await expect(lock('a').acquire()).rejects.toMatchObject(backendError(/belongs to user 65534/))
    await expect(lock('a').locked()).rejects.toMatchObject(backendError(/belongs to user 65534/))
    expect(readdirSync(store)).toEqual([])
  })

  test('in which this user may not make one says so', async () => {
    const { parent } = freshDirectory()
    chmodSync(parent, 0o755)
    const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
    const agent = new Agent(join(parent, 'store'), asNobody)
    await expect(agent.acquire('a')).rejects.toMatchObject(backendError(/permission denied/))
  })
})

describe('a directory that vanishes', () => {
  const broken = async (store: string, lease: Lease): Promise<void> => {
    rmSync(store, { recursive: true })
    await expect(lease.renew()).rejects.toMatchObject({ code: 'LOCK_LOST' })
    expect(lease.signal.aborted).toBe(true)
  }

  test('takes the holds along: holders learn it at the next renewal, and new ones start over with higher tokens', async () => {
    const { store } = freshDirectory()
    const { lock } = open(store)
    const lease = await lock('a').acquire()
    await broken(store, lease)
    const next = await lock('a').acquire()
    expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
    expect(await lease.release()).toBe(false)
    expect(next.held).toBe(true)
    expect(await next.release()).toBe(true)
  })

  test('is noticed by a holder without its doing anything', async () => {
    const { store } = freshDirectory()
    const lease = await open(store).lock('a', { ttl: 600 }).acquire()
    rmSync(store, { recursive: true })
    await until('the lease is lost', () => lease.signal.aborted)
    expect(lease.signal.reason).toMatchObject({ code: 'LOCK_LOST' })
  })

  test('makes way for who waits', async () => {
    const { store } = freshDirectory()
    const lease = await open(store).lock('a', { autoRenew: false, ttl: 60_000 }).acquire()
    const other = open(store)
    const waiting = other.lock('a').acquire()
    await until('somebody waits', async () => (await other.lock('a').inspect()).waiters === 1)
    rmSync(store, { recursive: true })
    const next = await waiting
    expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
    await next.release()
  })
})

describe('damage', () => {
  const pointerIn = (directory: string): string => readdirSync(directory).find((name) => name.includes('=')) ?? ''

  test('to a record never frees it; the operator can', async () => {
    const { store } = freshDirectory()
    const { lock } = open(store)
    const lease = await lock('a').acquire()
    const pointer = pointerIn(`${store}/@a`)
    renameSync(`${store}/@a/${pointer}`, `${store}/@a/${pointer.slice(0, -20)}`)
    const other = open(store)
    await expect(other.lock('a').acquire()).rejects.toMatchObject(backendError(/damaged/))
    await expect(other.lock('a').locked()).rejects.toMatchObject(backendError(/damaged/))
    expect(await other.lock('a').forceRelease()).toBe(true)
    const next = await other.lock('a').acquire()
    expect(next.fencingToken).toBeGreaterThan(lease.fencingToken)
    await next.release()
  })

  test('to a long record leaves the lock held by whom it was', async () => {
    const { store } = freshDirectory()
    const { lock } = open(store)
    const metadata = 'm'.repeat(1_000)
    const lease = await lock('a', { metadata, ttl: 60_000 }).acquire()
    const [more = ''] = readdirSync(`${store}/@a`).filter((name) => name.startsWith('more.'))
    rmSync(`${store}/@a/${more}`)
    writeFileSync(`${store}/@a/${more}`, 'rubbish')
    const other = open(store)
    expect(await other.lock('a').tryAcquire()).toBeNull()
    expect((await other.lock('a').inspect()).holders).toMatchObject([{ owner: lease.owner, metadata: '' }])
    rmSync(`${store}/@a/${more}`)
    expect(await other.lock('a').tryAcquire()).toBeNull()
    await lease.renew()
    expect(await lease.release()).toBe(true)
    await (await other.lock('a').acquire()).release()
  })

  test("by somebody's own files does nothing", async () => {
    const { store } = freshDirectory()
    const { lock, backend } = open(store)
    const lease = await lock('a').acquire()
    writeFileSync(`${store}/notes.txt`, 'mine')
    writeFileSync(`${store}/@a/.nfs0001`, 'mine')
    mkdirSync(`${store}/@a/dir`)
    expect(await open(store).lock('a').tryAcquire()).toBeNull()
    expect(await backend.list({ namespace: '', prefix: '', timeout: 1_000 })).toEqual(['a'])
    expect(await lease.release()).toBe(true)
    await (await open(store).lock('a').acquire()).release()
  })
})

test('locks that nobody uses any more go, and their tokens go on above', async () => {
  const { store } = freshDirectory()
  const first = await open(store).lock('a').acquire()
  await first.release()
  const then = new Date(Date.now() - 3_600_000)
  await until('the directory is gone', async () => {
    if (!readdirSync(store).includes('@a')) return true
    lutimesSync(`${store}/@a`, then, then)
    // Whoever releases anything may be the one who cleans up.
    await (await open(store).lock('b').acquire()).release()
    return false
  })
  const next = await open(store).lock('a').acquire()
  expect(next.fencingToken).toBeGreaterThan(first.fencingToken)
  await next.release()
})
