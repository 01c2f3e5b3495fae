// One of the processes that contend for one lock in the `file` benchmark: tasks that take it, hold it and go away for a
// while. Prints what it measured as JSON.
//
//     node file-contender.ts <subject> <directory> <tasks> <milliseconds>
import fs from 'node:fs'
import { Lock } from '@locks/core'
import { fileBackend } from '@locks/file'

export interface Turn {
  readonly wait: number
  /** Milliseconds on the clock of the host. */
  readonly granted: number
  readonly released: number
}

export interface Report {
  readonly turns: readonly (readonly Turn[])[]
  readonly calls: number
}

export type Subject = 'locks' | 'locks-strict' | 'open-wx' | 'proper-lockfile'

type Take = () => Promise<() => Promise<unknown>>

const [, , subject = '', directory = '', tasks = '1', duration = '0'] = process.argv
const HOLD = 1
const AWAY = 10
const POLL = 2
const PATIENCE = 5_000

const now = (): number => Number(process.hrtime.bigint()) / 1e6
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

let calls = 0
/** Counts the calls of a function of `fs`, for whoever uses it. */
function count(
  name: 'open' | 'unlink' | 'rename' | 'readdir' | 'readlink' | 'symlink' | 'mkdir' | 'rmdir' | 'stat',
): void {
  const original = fs[name] as (...args: unknown[]) => unknown
  Object.assign(fs, {
    [name]: (...args: unknown[]) => {
      calls += 1
      return original(...args)
    },
  })
}
for (const name of ['open', 'unlink', 'rename', 'readdir', 'readlink', 'symlink', 'mkdir', 'rmdir', 'stat'] as const)
  count(name)

function openExclusively(file: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    fs.open(file, 'wx', (error, descriptor) => {
      if (error === null) fs.close(descriptor, () => resolve(true))
      else if (error.code === 'EEXIST') resolve(false)
      else reject(error)
    })
  })
}

async function taker(): Promise<Take> {
  if (subject === 'open-wx') {
    const file = `${directory}/lock`
    return async () => {
      while (!(await openExclusively(file))) await sleep(POLL)
      return () => new Promise((resolve) => fs.unlink(file, resolve))
    }
  }
  if (subject === 'proper-lockfile') {
    const { default: properLockfile } = await import('proper-lockfile')
    // Its own delays: a second, then twice as long each time.
    const retries = 1_000
    return () => properLockfile.lock(`${directory}/proper`, { realpath: false, retries })
  }
  const fair = subject === 'locks-strict' ? 'strict' : true
  const lock = new Lock('bench', { backend: fileBackend(`${directory}/locks`), timeout: 60_000, fair })
  return async () => {
    const lease = await lock.acquire()
    return () => lease.release()
  }
}

const take = await taker()
const end = now() + Number(duration)

async function task(turns: Turn[]): Promise<void> {
  while (now() < end) {
    const wanted = now()
    const release = await take()
    const granted = now()
    await sleep(HOLD)
    const released = now()
    await release()
    turns.push({ wait: granted - wanted, granted, released })
    await sleep(AWAY)
  }
}

const turns: Turn[][] = Array.from({ length: Number(tasks) }, () => [])
// Who waits for seconds between two attempts is not waited for.
await Promise.race([Promise.all(turns.map(task)), sleep(Number(duration) + PATIENCE)])
const report: Report = { turns, calls }
process.stdout.write(JSON.stringify(report), () => process.exit())
