import { LockBackendError } from '../errors.ts'
import type { LockKey } from '../key.ts'
import { elapsed, type Instant, type Runtime } from '../runtime.ts'
import { isIdle } from './machine.ts'
import { Observer, type Rest } from './observer.ts'
import {
  DamagedRecord,
  decodeState,
  EMPTY,
  encodeEssence,
  encodeState,
  type Holder,
  outside,
  type RecordState,
  settle,
} from './state.ts'
import type { RecordRead, RecordStore } from './store.ts'
import { View } from './view.ts'

/** A record as it was read or written last, and the moment before that reading. */
export interface Snapshot<Version> {
  readonly version: Version
  /** False: there was no record, and `state` is empty. */
  readonly exists: boolean
  readonly state: RecordState
}

/** One look at a record, with everything needed to judge it. */
export interface Look<Version> extends Snapshot<Version> {
  /** Taken before the store's clock was read: what an expiry written now rests on. */
  readonly basis: Instant
  readonly present: View
}

export interface Change {
  readonly state: RecordState
  /** Write even though nothing changed, so that a write under way elsewhere finds a newer version. */
  readonly force?: boolean
}

/** Versions remembered at most: a key used again within that many others is taken or freed without a read. */
const MAX_REMEMBERED = 1_024
/** The part of a request's time after which no further attempt is begun: who asked must hear of it before its end. */
const PATIENCE = 2 / 3

/** Nothing was written: somebody else was quicker each time. */
export class Crowded extends Error {
  override readonly name: string = 'Crowded'

  constructor(conflicts: number, timeout: number) {
    super(`others changed its record ${conflicts} times, so that there was no turn within ${timeout} ms`)
  }
}

/** A pause after a conflict is at most so many times as long as the step that met it, which counts as 1 ms at least. */
const MAX_BACKOFF = 32
const LONGEST_BACKOFF = 500
/** From so many milliseconds on, already the first conflict is followed by a pause. */
const SLOW = 3

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
    // The clock before the record: by a later time, a hold renewed in between would look as if it had run out.
    const reading = this.#readClock(basis)
    const now = typeof reading === 'number' ? reading : await reading
    return this.#seen(key, await this.#store.read(key, timeout), now, basis)
  }

  /** The record as a notice tells it. It may be an older one than is known already: then a write meets a conflict. */
  async hear(key: LockKey, read: RecordRead<Version>): Promise<Look<Version>> {
    const basis = this.#runtime.now()
    return this.#seen(key, read, await this.#readClock(basis), basis)
  }

  #seen(key: LockKey, read: RecordRead<Version>, now: number, basis: Instant): Look<Version> {
    const { version, value, floor, unchanged, outsider } = read
    const written = value === null ? EMPTY : decode(key, this.#store, value, this.#store.tokenOf?.(version))
    const holders = outsider === undefined ? written.holders : outsider === null ? [] : [outside(outsider)]
    // Whatever is written next, tokens go on above the floor.
    let { fence } = written
    if (floor > fence) fence = floor
    const state = { ...written, holders, fence }
    const snapshot = { version, exists: value !== null, state }
    this.#remember(key, snapshot)
    const rest = unchanged && { basis, ...unchanged }
    return { ...snapshot, basis, present: this.#view(key, state, now, basis, rest) }
  }

  /**
   * Applies `step` atomically: what it answers was true of the record at one moment, and the change it asks for is
   * written. Starts from the remembered version if there is one, or from a guess; a step that changes nothing is repeated
   * on a fresh reading, because only a successful write proves that such a version is the current one.
   */
  async update<Step extends Change>(
    key: LockKey,
    timeout: number,
    step: (look: Look<Version>) => Step,
  ): Promise<{ readonly step: Step; readonly look: Look<Version> }> {
    let started: Instant | undefined
    const guess = this.#guess(key)
    let remembered = this.#remembered.get(key.id) ?? guess
    for (let conflicts = 0; ; ) {
      const fresh = remembered === undefined
      const seen = remembered === undefined ? this.look(key, timeout) : this.#recall(key, remembered)
      const look = seen instanceof Promise ? await seen : seen
      started ??= look.basis
      const result = step(look)
      if (result.state === look.state && result.force !== true) {
        if (fresh) return { step: result, look }
      } else {
        this.#remembered.delete(key.id)
        const state = await this.#write(key, look, result, timeout)
        if (state !== undefined) {
          const written = { ...look, state }
          this.#changed(key, written)
          return { step: result, look: written }
        }
        if (guess === undefined || remembered !== guess) conflicts += 1
      }
      remembered = undefined
      const took = elapsed(this.#runtime, look.basis)
      if (conflicts > 2 || (conflicts > 0 && took > SLOW)) await this.#backOff(conflicts, took)
      if (conflicts > 0 && elapsed(this.#runtime, started) > timeout * PATIENCE) throw new Crowded(conflicts, timeout)
    }
  }

  /** Where nothing is known of a key: that there is no record. */
  #guess(key: LockKey): Snapshot<Version> | undefined {
    const { absence } = this.#store
    if (absence === undefined || this.#observer.knows(key.id)) return undefined
    return { version: absence, exists: false, state: EMPTY }
  }

  /** Forgets what it remembers of a key. */
  forget(key: LockKey): void {
    this.#remembered.delete(key.id)
  }

  /** The state as it is now; undefined: conflict, nothing was changed. */
  async #write(key: LockKey, from: Look<Version>, change: Change, timeout: number): Promise<RecordState | undefined> {
    const { state, force = false } = change
    const { tokenOf, idleRecords } = this.#store
    if (isIdle(state) && !force && idleRecords === 'remove') {
      const removed = !from.exists || (await this.#store.remove(key, from.version, state.fence, timeout))
      if (removed) this.#observer.forget(key.id)
      return removed ? state : undefined
    }
    const base = tokenOf === undefined ? undefined : from.state.fence
    let keepFor = 0
    for (const holder of state.holders) keepFor = Math.max(keepFor, from.present.left(holder))
    for (const waiter of state.queue) keepFor = Math.max(keepFor, from.present.left(waiter))
    const record = {
      value: encodeState(state, base),
      fence: state.fence,
      holders: state.holders,
      moved: !isSame(state.holders, from.state.holders),
      keepFor,
      essence: () => encodeEssence(state),
    }
    const version = await this.#store.write(key, from.version, record, timeout)
    if (version === null) return undefined
    const settled = base === undefined ? state : settle(state, base, this.#store.tokenOf?.(version) ?? base)
    this.#remember(key, { version, exists: true, state: settled })
    return settled
  }

  /** At once, but for a clock that has to be asked. */
  #recall(key: LockKey, snapshot: Snapshot<Version>): Look<Version> | Promise<Look<Version>> {
    const basis = this.#runtime.now()
    const reading = this.#readClock(basis)
    if (typeof reading === 'number')
      return { ...snapshot, basis, present: this.#view(key, snapshot.state, reading, basis) }
    // A promise of another realm (of Node.js itself, under Jest) is none to who asks by `instanceof`.
    return Promise.resolve(reading).then((now) => ({
      ...snapshot,
      basis,
      present: this.#view(key, snapshot.state, now, basis),
    }))
  }

  /** Without a clock, the own one serves only to write something new each time. */
  #readClock(basis: Instant): number | Promise<number> {
    return this.#store.clock === null ? basis.mono : this.#store.clock.now()
  }

  #view(key: LockKey, state: RecordState, now: number, basis: Instant, rest?: Rest): View {
    const view = new View(this.#store, this.#runtime, this.#observer, key.id, now, basis)
    this.#observer.look(key.id, state, this.#store.clock?.id, rest)
    return view
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

  /** `took`: milliseconds of the step that met the conflict; many that are as slow as that need as much more room. */
  #backOff(conflicts: number, took: number): Promise<void> {
    const width = Math.min(MAX_BACKOFF, 2 ** (conflicts - 2)) * Math.max(1, took)
    const delay = Math.min(width, LONGEST_BACKOFF) * this.#runtime.random()
    return new Promise((resolve) => {
      this.#runtime.setTimer(delay, resolve, true)
    })
  }
}

/** Entries are immutable: one that changed is another object. */
const isSame = (some: readonly Holder[], others: readonly Holder[]): boolean =>
  some.length === others.length && some.every((holder, index) => holder === others[index])

function decode(
  key: LockKey,
  store: { readonly name: string; readonly location: string },
  value: string,
  first: bigint | undefined,
): RecordState {
  try {
    return decodeState(value, first)
  } catch (cause) {
    if (!(cause instanceof DamagedRecord)) throw cause
    throw new LockBackendError(
      `lock ${JSON.stringify(key.name)} on ${store.name} ${store.location}: ${cause.message}. It counts as held until forceRelease (\`locks break\`) replaces it`,
      { key, cause },
    )
  }
}
