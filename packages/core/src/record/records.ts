import { LockBackendError } from '../errors.ts'
import type { LockKey } from '../key.ts'
import { elapsed, type Instant, type Runtime } from '../runtime.ts'
import type { Present } from './machine.ts'
import { isIdle } from './machine.ts'
import { Observer } from './observer.ts'
import {
  DamagedRecord,
  decodeState,
  EMPTY,
  encodeEssence,
  encodeState,
  type Holder,
  type RecordState,
  type Term,
  type Waiter,
} from './state.ts'
import type { RecordStore } from './store.ts'

/** A record as it was read or written last, and the moment before that reading. */
export interface Snapshot<Version> {
  readonly version: Version
  /** False: there was no record, and `state` is empty. */
  readonly exists: boolean
  readonly state: RecordState
  readonly floor: bigint
}

/** One look at a record, with everything needed to judge it. */
export interface Look<Version> extends Snapshot<Version> {
  /** Taken before the store's clock was read: what an expiry written now rests on. */
  readonly basis: Instant
  readonly present: Present
}

export interface Change {
  readonly state: RecordState
  /** Write even though nothing changed, so that a write under way elsewhere finds a newer version. */
  readonly force?: boolean
}

/** Versions remembered at most: a key used again within that many others is taken or freed without a read. */
const MAX_REMEMBERED = 1_024
const MAX_BACKOFF = 32

/** Reading, judging and compare-and-writing records. */
export class Records<Version> {
  readonly #store: RecordStore<Version>
  readonly #runtime: Runtime
  readonly #observer: Observer
  readonly #remembered = new Map<string, Snapshot<Version>>()
  readonly #changed: (key: LockKey, look: Look<Version>) => void

  /** `changed` hears of every record that this object wrote. */
  constructor(store: RecordStore<Version>, runtime: Runtime, changed: (key: LockKey, look: Look<Version>) => void) {
    this.#store = store
    this.#runtime = runtime
    this.#observer = new Observer(runtime)
    this.#changed = changed
  }

  /** The record as it is now. */
  async look(key: LockKey, timeout: number): Promise<Look<Version>> {
    const basis = this.#runtime.now()
    const { version, value, floor } = await this.#store.read(key, timeout)
    const state = value === null ? EMPTY : decode(key, this.#store, value)
    const snapshot = { version, exists: value !== null, state, floor }
    this.#remember(key, snapshot)
    return { ...snapshot, basis, present: await this.#present(key, state) }
  }

  /**
   * Applies `step` atomically: what it answers was true of the record at one moment, and the change it asks for is
   * written. Starts from the remembered version if there is one; a step that changes nothing is repeated on a fresh
   * reading, because only a successful write proves that a remembered version is still the current one.
   */
  async update<Step extends Change>(
    key: LockKey,
    timeout: number,
    step: (look: Look<Version>) => Step,
  ): Promise<{ readonly step: Step; readonly look: Look<Version> }> {
    const started = this.#runtime.now()
    let remembered = this.#remembered.get(key.id)
    for (let conflicts = 0; ; ) {
      const fresh = remembered === undefined
      const look = remembered === undefined ? await this.look(key, timeout) : await this.#recall(key, remembered)
      const result = step(look)
      if (result.state === look.state && result.force !== true) {
        if (fresh) return { step: result, look }
      } else {
        this.#remembered.delete(key.id)
        if (await this.#write(key, look, result, timeout)) {
          const written = { ...look, state: result.state }
          this.#changed(key, written)
          return { step: result, look: written }
        }
        conflicts += 1
      }
      remembered = undefined
      if (conflicts > 2) await this.#backOff(conflicts)
      if (elapsed(this.#runtime, started) > timeout)
        throw new Error(`others changed its record ${conflicts} times within ${timeout} ms`)
    }
  }

  /** Forgets what it remembers of a key. */
  forget(key: LockKey): void {
    this.#remembered.delete(key.id)
  }

  /** Milliseconds for which an entry may still count, as far as this reader can tell. */
  remaining(key: LockKey, present: Present, entry: Holder | Waiter): number {
    if (entry.term.at === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY
    return Math.max(0, present.remaining(entry.term) ?? this.#observer.remaining(key.id, entry))
  }

  /** False: conflict, nothing was changed. */
  async #write(key: LockKey, from: Look<Version>, change: Change, timeout: number): Promise<boolean> {
    const { state, force = false } = change
    if (isIdle(state) && !force && this.#store.idleRecords === 'remove')
      return !from.exists || this.#store.remove(key, from.version, state.fence, timeout)
    const keepFor = [...state.holders, ...state.queue].reduce(
      (longest, entry) => Math.max(longest, this.remaining(key, from.present, entry)),
      0,
    )
    const record = { value: encodeState(state), fence: state.fence, keepFor, essence: () => encodeEssence(state) }
    const version = await this.#store.write(key, from.version, record, timeout)
    if (version === null) return false
    this.#remember(key, { version, exists: true, state, floor: 0n })
    return true
  }

  async #recall(key: LockKey, snapshot: Snapshot<Version>): Promise<Look<Version>> {
    return { ...snapshot, basis: this.#runtime.now(), present: await this.#present(key, snapshot.state) }
  }

  async #present(key: LockKey, state: RecordState): Promise<Present> {
    const { clock, presence } = this.#store
    const grain = clock?.grain ?? 0
    const reading = clock?.now() ?? 0
    const now = typeof reading === 'number' ? reading : await reading
    const self = presence?.self ?? ''
    const foreign = (entry: Holder | Waiter): boolean => clock === null || entry.term.clock !== clock.id
    this.#observer.look(key.id, state, foreign)
    return {
      now,
      self,
      over: (entry) => {
        if (entry.process !== self && entry.process !== '' && presence?.gone(entry.process) === true) return true
        if (entry.term.at === Number.POSITIVE_INFINITY) return false
        if (foreign(entry)) return this.#observer.remaining(key.id, entry) <= 0
        return entry.term.at <= now - grain
      },
      arm: (wanted, previous): Term => {
        const ttl = Math.ceil(wanted)
        if (ttl === Number.POSITIVE_INFINITY) return { clock: clock?.id ?? '', at: ttl, ttl }
        if (clock === null) return { clock: '', at: previous === undefined ? 0 : previous.at + 1, ttl }
        return { clock: clock.id, at: Math.ceil(now + ttl), ttl }
      },
      remaining: (term) => (clock === null || term.clock !== clock.id ? undefined : term.at - now),
    }
  }

  #remember(key: LockKey, snapshot: Snapshot<Version>): void {
    this.#remembered.delete(key.id)
    this.#remembered.set(key.id, snapshot)
    if (this.#remembered.size <= MAX_REMEMBERED) return
    for (const oldest of this.#remembered.keys()) {
      this.#remembered.delete(oldest)
      return
    }
  }

  #backOff(conflicts: number): Promise<void> {
    const delay = Math.min(MAX_BACKOFF, 2 ** (conflicts - 2)) * this.#runtime.random()
    return new Promise((resolve) => {
      this.#runtime.setTimer(delay, resolve, true)
    })
  }
}

function decode(key: LockKey, store: { readonly name: string; readonly location: string }, value: string): RecordState {
  try {
    return decodeState(value)
  } catch (cause) {
    if (!(cause instanceof DamagedRecord)) throw cause
    throw new LockBackendError(
      `lock ${JSON.stringify(key.name)} on ${store.name} ${store.location}: ${cause.message}. It counts as held until forceRelease (\`locks break\`) replaces it`,
      { key, cause },
    )
  }
}
