import type { HolderState, KeyRequest, ListRequest, LockState } from '../backend.ts'
import { LockBackendError, LockUnsupportedError } from '../errors.ts'
import { type LockKey, lockKey } from '../key.ts'
import type { Runtime } from '../runtime.ts'
import { advance, breakAll, isIdle } from './machine.ts'
import type { Look, Records } from './records.ts'
import { DamagedRecord, encodeState, type Holder, type RecordState } from './state.ts'
import type { RecordStore } from './store.ts'

/** Records that are looked at at the same time. */
const LIST_WIDTH = 16

/** For who looks after locks: to see them, and to break them. */
export class Overview<Version> {
  readonly #store: RecordStore<Version>
  readonly #records: Records<Version>
  readonly #runtime: Runtime

  constructor(store: RecordStore<Version>, records: Records<Version>, runtime: Runtime) {
    this.#store = store
    this.#records = records
    this.#runtime = runtime
  }

  async inspect({ key, timeout }: KeyRequest): Promise<LockState> {
    const look = await this.#records.look(key, timeout)
    const { holders, queue } = advance(look.state, look.present)
    return { holders: holders.map((holder) => describe(look, holder)), waiters: queue.length }
  }

  async list({ namespace, prefix, timeout }: ListRequest): Promise<readonly string[]> {
    if (this.#store.names === null) throw new LockUnsupportedError(`${this.#store.name} cannot list its locks`)
    const names = [...(await this.#store.names(namespace, prefix, timeout))].sort()
    const used: string[] = []
    for (let start = 0; start < names.length; start += LIST_WIDTH) {
      const some = names.slice(start, start + LIST_WIDTH)
      const inUse = await Promise.all(some.map((name) => this.#isInUse(lockKey(namespace, name), timeout)))
      used.push(...some.filter((_, index) => inUse[index]))
    }
    return used
  }

  /** Held or waited for; a damaged record counts as held. */
  async #isInUse(key: LockKey, timeout: number): Promise<boolean> {
    try {
      const { state, present } = await this.#records.look(key, timeout)
      return !isIdle(advance(state, present))
    } catch (error) {
      if (isDamage(error)) return true
      throw error
    }
  }

  async forceRelease({ key, timeout }: KeyRequest): Promise<boolean> {
    try {
      const { step } = await this.#records.update(key, timeout, ({ state, present }) => breakAll(state, present))
      return step.held
    } catch (error) {
      if (!isDamage(error)) throw error
      return this.#replaceDamaged(key, timeout)
    }
  }

  /** Tokens go on above whatever a wall clock in microseconds has handed out: the record's own are unreadable. */
  async #replaceDamaged(key: LockKey, timeout: number): Promise<boolean> {
    const { version, floor } = await this.#store.read(key, timeout)
    const clock = BigInt(Math.ceil(this.#runtime.now().wall)) * 1_000n
    const state: RecordState = { fence: clock > floor ? clock : floor, holders: [], queue: [] }
    const value = encodeState(state)
    const record = { value, fence: state.fence, holders: [], moved: true, keepFor: 0, essence: () => value }
    // A conflict: somebody else has replaced it.
    return (await this.#store.write(key, version, record, timeout)) !== null
  }
}

/** A holder as others see it. */
export function describe({ present }: Look<unknown>, holder: Holder): HolderState {
  const { owner, mode, fence, start, metadata, term } = holder
  const remaining = present.left(holder)
  const age = present.remaining(term) === undefined ? undefined : Math.max(0, present.now - start)
  return { owner, mode, fencingToken: fence, remaining, age, metadata }
}

const isDamage = (error: unknown): boolean => error instanceof LockBackendError && error.cause instanceof DamagedRecord
