import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { LockOptions } from '@locks/core'
import { expect, onTestFinished } from 'vitest'
import type { Acquired, Method, Reply, Request, Status } from './children/agent.ts'

export const now = (): number => Number(process.hrtime.bigint()) / 1e6

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Asks until the answer is something other than false, null or undefined. */
export async function until<T>(what: string, look: () => T | Promise<T>, limit = 10_000): Promise<NonNullable<T>> {
  for (const started = now(); ; ) {
    const found = await look()
    if (found !== undefined && found !== null && found !== false) return found
    if (now() - started > limit) throw new Error(`not within ${limit} ms: ${what}`)
    await pause(5)
  }
}

/** An empty directory that goes with the test, and a path in it that doesn't exist yet. */
export function freshDirectory(): { readonly parent: string; readonly store: string } {
  const parent = mkdtempSync(join(tmpdir(), 'locks-file-'))
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }))
  return { parent, store: join(parent, 'store') }
}

export const child = (name: string): string => fileURLToPath(new URL(`children/${name}`, import.meta.url))

/** A process that does as it is told. `wrapper`: the command that it is started by, such as `unshare`. */
export class Agent {
  readonly child: ChildProcess
  readonly ended: Promise<void>
  readonly #pending = new Map<number, (reply: Reply) => void>()
  #calls = 0

  constructor(directory: string, wrapper: readonly string[] = []) {
    const [command = '', ...args] = [...wrapper, process.execPath, child('agent.ts'), directory]
    this.child = spawn(command, args, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    })
    this.ended = new Promise((resolve) => {
      this.child.once('exit', () => resolve())
      this.child.once('error', () => resolve())
    })
    this.child.on('message', (reply: Reply) => {
      this.#pending.get(reply.id)?.(reply)
      this.#pending.delete(reply.id)
    })
    void this.ended.then(() => {
      for (const [id, settle] of this.#pending)
        settle({ id, error: { code: 'ENDED', message: `${command} has ended` } })
    })
    onTestFinished(async () => {
      this.child.kill('SIGKILL')
      await this.ended
    })
  }

  async #ask<T>(method: Method, ...args: readonly unknown[]): Promise<T> {
    const request: Request = { id: this.#calls, method, args }
    this.#calls += 1
    const { promise, resolve } = Promise.withResolvers<Reply>()
    this.#pending.set(request.id, resolve)
    this.child.send(request)
    const { result, error } = await promise
    if (error !== undefined) throw Object.assign(new Error(error.message), { code: error.code })
    return result as T
  }

  acquire(name: string, options: LockOptions = {}): Promise<Acquired> {
    return this.#ask('acquire', name, options)
  }
  tryAcquire(name: string, options: LockOptions = {}): Promise<Acquired | null> {
    return this.#ask('tryAcquire', name, options)
  }
  release(name: string): Promise<boolean | null> {
    return this.#ask('release', name)
  }
  renew(name: string): Promise<null> {
    return this.#ask('renew', name)
  }
  locked(name: string): Promise<boolean> {
    return this.#ask('locked', name)
  }
  forceRelease(name: string): Promise<boolean> {
    return this.#ask('forceRelease', name)
  }
  waiters(name: string): Promise<number> {
    return this.#ask('waiters', name)
  }
  status(name: string): Promise<Status> {
    return this.#ask('status', name)
  }
  block(name: string, milliseconds: number): Promise<Status> {
    return this.#ask('block', name, milliseconds)
  }
  stepWallClock(milliseconds: number): Promise<null> {
    return this.#ask('stepWallClock', milliseconds)
  }
  standFor(pid: number): Promise<null> {
    return this.#ask('standFor', pid)
  }
  loseThread(name: string, ttl: number): Promise<null> {
    return this.#ask('loseThread', name, ttl)
  }
  pid(): Promise<number> {
    return this.#ask('pid')
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.ended
  }
}

/** Options of `unshare` that a user other than root needs as well. */
export const asUser: readonly string[] = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']

export async function waitFor(agent: Agent, name: string, waiters: number): Promise<void> {
  await until(`${waiters} wait`, async () => (await agent.waiters(name)) === waiters)
}

export function backendError(part: RegExp | string): object {
  return { code: 'LOCK_BACKEND', message: expect.stringMatching(part) }
}
