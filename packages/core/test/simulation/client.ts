import { createLocks, type Lock, type LockOptions, ReadWriteLock, recordBackend, Semaphore } from '../../src/index.ts'
import type { MemoryStore } from '../../src/memory-backend.ts'
import { FaultyStore } from '../faulty-store.ts'
import { NativeBackend } from '../native-backend.ts'
import type { NativeServer } from '../native-server.ts'
import type { Random } from '../random.ts'
import type { Checks } from './checks.ts'
import type { Process } from './process.ts'
import type { Manner, Scenario } from './scenario.ts'
import { Tap } from './tap.ts'
import type { Wire } from './wire.ts'

/** What all processes have in common. */
export interface Service {
  readonly wire: Wire
  readonly memory: MemoryStore
  readonly native: NativeServer
  /** A reading of the clock that the record store declares, with its error. */
  readonly reading: () => number
}

/** How a task uses a key. */
export type Face = 'exclusive' | 'shared' | 'semaphore'

/** The library, as one process has it. */
export class Client {
  readonly process: Process
  readonly backend: Tap
  readonly store: FaultyStore | undefined
  closed: Promise<void> | undefined
  /** How often somebody has asked it to break a lock. */
  breaks: number = 0
  readonly #locks = new Map<string, Lock>()

  constructor(process: Process, scenario: Scenario, service: Service, checks: Checks) {
    this.process = process
    const { variant } = scenario
    const { wire, memory, native, reading } = service
    const clock = { grain: variant.grain, now: reading }
    this.store = variant.kind === 'record' ? new FaultyStore(memory, wire, variant.traits, process, clock) : undefined
    const backend = this.store ? recordBackend(this.store, { runtime: process }) : new NativeBackend(native, process)
    this.backend = new Tap(backend, process, checks)
  }

  /** Mostly the same object for the same use, as a program would have it. */
  lock(key: { readonly name: string; readonly permits: number }, face: Face, manner: Manner, random: Random): Lock {
    const id = `${key.name} ${face} ${JSON.stringify(manner)}`
    const known = random.next() < 0.8 ? this.#locks.get(id) : undefined
    if (known !== undefined) return known
    const options: LockOptions = { ...manner, backend: this.backend, metadata: this.process.name }
    const lock = open(key, face, options)
    this.#locks.set(id, lock)
    return lock
  }

  close(): Promise<void> {
    this.closed ??= createLocks({ backend: this.backend }).close()
    return this.closed
  }
}

function open({ name, permits }: { name: string; permits: number }, face: Face, options: LockOptions): Lock {
  if (face === 'semaphore') return new Semaphore(name, permits, options)
  const { read, write } = new ReadWriteLock(name, options)
  return face === 'shared' ? read : write
}
