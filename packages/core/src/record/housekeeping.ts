import type { LockKey } from '../key.ts'
import { elapsed, type Instant, type Runtime } from '../runtime.ts'
import { advance, isIdle } from './machine.ts'
import type { Records } from './records.ts'
import type { RecordStore } from './store.ts'

const SWEEP_EVERY = 60_000
const SWEEP_TIMEOUT = 5_000
/** A process too short-lived for the interval sweeps with this chance at its first release. */
const SWEEP_CHANCE = 1 / 16

/** Removing records that nobody uses any more. What fails is left to the next time. */
export class Housekeeping<Version> {
  readonly #store: RecordStore<Version>
  readonly #records: Records<Version>
  readonly #runtime: Runtime
  #swept: Instant | undefined

  constructor(store: RecordStore<Version>, records: Records<Version>, runtime: Runtime) {
    this.#store = store
    this.#records = records
    this.#runtime = runtime
  }

  /** Asked after each release. */
  isDue(): boolean {
    const last = this.#swept
    const due =
      last === undefined ? this.#runtime.random() <= SWEEP_CHANCE : elapsed(this.#runtime, last) >= SWEEP_EVERY
    if (due || last === undefined) this.#swept = this.#runtime.now()
    return due
  }

  sweep(): Promise<void> {
    return this.#store.sweep((key) => this.#prune(key))
  }

  /** Removes what a cancel wrote only to be newer, where free locks leave no record. */
  async tidy(key: LockKey): Promise<void> {
    if (this.#store.idleRecords === 'remove') await this.#prune(key).catch(() => false)
  }

  async #prune(key: LockKey): Promise<boolean> {
    const { version, exists, state, present } = await this.#records.look(key, SWEEP_TIMEOUT)
    if (!exists || !isIdle(advance(state, present))) return false
    this.#records.forget(key)
    return this.#store.remove(key, version, state.fence, SWEEP_TIMEOUT)
  }
}
