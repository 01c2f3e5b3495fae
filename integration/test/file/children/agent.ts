/**
 * A process of its own that takes and gives up locks as it is told, one request after the other:
 *
 *     node agent.ts <directory>
 */
import { Worker } from 'node:worker_threads'
import { type Lease, Lock, type LockOptions } from '@locks/core'
import { fileBackend } from '@locks/file'

export type Method = keyof typeof methods

export interface Request {
  readonly id: number
  readonly method: Method
  readonly args: readonly unknown[]
}

export interface Reply {
  readonly id: number
  readonly result?: unknown
  readonly error?: { readonly code: unknown; readonly message: string }
}

export interface Status {
  readonly held: boolean
  readonly aborted: boolean
  readonly remaining: number
}

export interface Acquired {
  readonly token: string
  /** Milliseconds on the clock that the processes of this host share. */
  readonly at: number
}

const [, , directory = ''] = process.argv
const backend = fileBackend(directory)
const leases = new Map<string, Lease>()
const wall = Date.now
const now = (): number => Number(process.hrtime.bigint()) / 1e6

function status(name: string): Status {
  const lease = leases.get(name)
  return { held: lease?.held ?? false, aborted: lease?.signal.aborted ?? false, remaining: lease?.remaining ?? 0 }
}

function lock(name: string, options: LockOptions = {}): Lock {
  return new Lock(name, { ...options, backend })
}

function keep(name: string, lease: Lease): Acquired {
  leases.set(name, lease)
  return { token: String(lease.fencingToken), at: now() }
}

const methods = {
  acquire: async (name: string, options: LockOptions) => keep(name, await lock(name, options).acquire()),
  tryAcquire: async (name: string, options: LockOptions) => {
    const lease = await lock(name, options).tryAcquire()
    return lease && keep(name, lease)
  },
  release: async (name: string) => (await leases.get(name)?.release()) ?? null,
  renew: async (name: string) => {
    await leases.get(name)?.renew()
    return null
  },
  locked: (name: string) => lock(name).locked(),
  forceRelease: (name: string) => lock(name).forceRelease(),
  waiters: async (name: string) => (await lock(name).inspect()).waiters,
  status,
  /** Keeps the event loop busy, and then looks before anything else can happen. */
  block: (name: string, milliseconds: number) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
    return status(name)
  },
  /** From now on the wall clock is off by so much. */
  stepWallClock: (milliseconds: number) => {
    Date.now = () => wall() + milliseconds
    return null
  },
  standFor: (pid: number) => {
    backend.standFor(pid)
    return null
  },
  /** A thread of this process takes the lock and ends without giving it up. */
  loseThread: (name: string, ttl: number) =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('lost-thread.ts', import.meta.url), { argv: [directory, name, String(ttl)] })
      worker.once('error', reject)
      worker.once('exit', () => resolve(null))
    }),
  pid: () => process.pid,
}

process.on('message', async ({ id, method, args }: Request) => {
  const answer = (reply: Omit<Reply, 'id'>): void => void process.send?.({ id, ...reply })
  try {
    answer({ result: await (methods[method] as (...given: readonly unknown[]) => unknown)(...args) })
  } catch (error) {
    const { code, message } = error as { code: unknown; message: string }
    answer({ error: { code, message } })
  }
})
process.once('disconnect', () => process.exit())
