/** A process of the kit: imports the target's module and does as it is told. Ends when the kit's own process does. */
import { createLocks, type Lease, Lock, type LockBackend, ReadWriteLock, Semaphore } from '../../index.ts'
import { Random } from '../random.ts'
import type { ConformanceTarget } from '../target.ts'
import { sleep } from '../time.ts'
import { Notebook } from './notebook.ts'
import {
  type Command,
  type Commands,
  type Contention,
  READY,
  type Reply,
  type Request,
  type Usage,
} from './protocol.ts'

const [module = '', who = ''] = process.argv.slice(2)

/** Milliseconds between two looks at a lease. */
const LOOK_EVERY = 5

function lockFor(backend: LockBackend, mode: string, { name, ...use }: Contention): Lock {
  const { namespace, ttl, timeout, requestTimeout, retryInterval, permits } = use
  const options = { namespace, ttl, timeout, requestTimeout, retryInterval, backend }
  if (mode === 'semaphore') return new Semaphore(name, permits, options)
  return mode === 'shared' ? new ReadWriteLock(name, options).read : new Lock(name, options)
}

class Worker implements AsyncCommands {
  readonly #backend: LockBackend
  #tasks: Promise<unknown> = Promise.resolve()
  #over = false
  #lease: Lease | undefined
  #notebook: Notebook | undefined

  constructor(backend: LockBackend) {
    this.#backend = backend
  }

  async contend(contention: Contention): Promise<null> {
    const random = new Random(contention.seed)
    const locks = contention.modes.map((mode) => lockFor(this.#backend, mode, contention))
    const task = async (name: string): Promise<void> => {
      while (!this.#over) {
        const lease = await random
          .oneOf(locks)
          .tryAcquire()
          .catch(() => null)
        if (lease !== null) await this.#hold(name, lease, contention.hold * random.next() ** 2)
        await sleep(1)
      }
    }
    this.#tasks = Promise.all(
      Array.from({ length: contention.tasks }, (_, index) => task(`${who}${'abcdefgh'[index]}`)),
    )
    return null
  }

  async #hold(name: string, lease: Lease, ms: number): Promise<void> {
    const notebook = new Notebook(name, lease)
    const begun = performance.now()
    while (performance.now() - begun < ms) {
      await sleep(LOOK_EVERY)
      notebook.look()
    }
    notebook.releasing()
    await lease.release().catch(() => false)
  }

  async rest(): Promise<null> {
    this.#over = true
    await this.#tasks
    return null
  }

  async acquire({ name, ...options }: Usage): Promise<string> {
    return this.#keep(await new Lock(name, { ...options, backend: this.#backend }).acquire())
  }

  async release(): Promise<boolean> {
    this.#notebook?.releasing()
    return (await this.#lease?.release()) ?? false
  }

  async held(): Promise<boolean> {
    this.#notebook?.look()
    return this.#lease?.held ?? false
  }

  locked({ name, ...options }: Usage): Promise<boolean> {
    return new Lock(name, { ...options, backend: this.#backend }).locked()
  }

  async detach(): ReturnType<AsyncCommands['detach']> {
    this.#notebook?.releasing()
    return (this.#lease as Lease).detach()
  }

  async attach(...[json]: Parameters<Commands['attach']>): Promise<string> {
    return this.#keep(await Lock.attach(json, { backend: this.#backend }))
  }

  async close(): Promise<null> {
    await createLocks({ backend: this.#backend }).close()
    return null
  }

  async leave(): Promise<readonly string[]> {
    setImmediate(() => {
      process.off('disconnect', end)
      process.disconnect()
    })
    return process.getActiveResourcesInfo()
  }

  #keep(lease: Lease): string {
    this.#lease = lease
    this.#notebook = new Notebook(who, lease)
    return String(lease.fencingToken)
  }
}

type AsyncCommands = {
  readonly [Do in keyof Commands]: (...args: Parameters<Commands[Do]>) => Promise<ReturnType<Commands[Do]>>
}

const end = (): void => process.exit(1)

const answer = (reply: Reply): void => {
  process.send?.(reply, undefined, undefined, () => undefined)
}

async function carryOut(worker: AsyncCommands, [name, ...args]: Command): Promise<unknown> {
  return (worker[name] as (...args: readonly unknown[]) => Promise<unknown>).apply(worker, args)
}

async function settle(id: number, work: Promise<unknown>): Promise<void> {
  try {
    answer({ id, result: await work })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    answer({ id, error: { code, message: message ?? String(error) } })
  }
}

async function begin(): Promise<null> {
  const { target } = (await import(module)) as { readonly target?: ConformanceTarget }
  if (target === undefined) throw new TypeError('it does not export the target as `target`')
  const worker = new Worker(await target.connect())
  process.on('message', ({ id, command }: Request) => void settle(id, carryOut(worker, command)))
  return null
}

process.on('disconnect', end)
await settle(READY, begin())
