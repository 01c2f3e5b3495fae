import type { Instant, Runtime } from '../runtime.ts'
import type { Holder, RecordState, Waiter } from './state.ts'

/** Keys whose sightings are remembered at most; the longest unseen are forgotten first, which only delays an expiry. */
const MAX_KEYS = 4_096

/** For how many milliseconds before an instant the holders, and the whole record, have not changed. */
export interface Rest {
  readonly basis: Instant
  readonly holders: number
  readonly record: number
}

/**
 * Expiry without a shared clock: an entry is over for who has seen it unchanged for its whole ttl on the own monotonic
 * clock. (The rule of client-go's leader election.) An entry is first seen after it was written, so its owner's own
 * deadline, counted from before the write, always comes earlier.
 */
export class Observer {
  readonly #runtime: Runtime
  /** By key, and by the entries' fingerprints: since when each is known to be as it is, on the monotonic clock. */
  readonly #sightings = new Map<string, Map<string, number>>()

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /**
   * Notes the entries that are not on the clock of this id; forgets those that changed or went. `rest`: how long each has
   * stayed as it is before `basis`, where the store itself can tell.
   */
  look(keyId: string, state: RecordState, clock: string | undefined, rest?: Rest): void {
    const isForeign = ({ term }: Holder | Waiter): boolean => clock === undefined || term.clock !== clock
    const before = this.#sightings.get(keyId)
    if (before === undefined && !state.holders.some(isForeign) && !state.queue.some(isForeign)) return
    const entries = [...state.holders, ...state.queue].filter(isForeign)
    this.#sightings.delete(keyId)
    if (entries.length === 0) return
    const now = this.#runtime.now()
    const firstSeen = (entry: Holder | Waiter): number => {
      const seen = before?.get(fingerprint(entry)) ?? now.mono
      const rested = ('fence' in entry ? rest?.holders : rest?.record) ?? 0
      // What is not known to have been there before the reading may have been written while it was under way.
      return rest === undefined || rested <= 0 ? seen : Math.min(seen, rest.basis.mono - rested)
    }
    this.#sightings.set(keyId, new Map(entries.map((entry) => [fingerprint(entry), firstSeen(entry)])))
    if (this.#sightings.size > MAX_KEYS)
      for (const oldest of this.#sightings.keys()) {
        this.#sightings.delete(oldest)
        break
      }
  }

  /** The record is gone. */
  forget(keyId: string): void {
    this.#sightings.delete(keyId)
  }

  /** Whether entries of a key have been seen, and may still be there. */
  knows(keyId: string): boolean {
    return this.#sightings.has(keyId)
  }

  /** Milliseconds for which an entry has been seen as it is. */
  seenFor(keyId: string, entry: Holder | Waiter, at: Instant): number {
    const since = this.#sightings.get(keyId)?.get(fingerprint(entry))
    return since === undefined ? 0 : Math.max(0, at.mono - since)
  }

  /** Milliseconds for which an entry may still count at an instant; its whole ttl where it was never seen before that. */
  remaining(keyId: string, entry: Holder | Waiter, at: Instant): number {
    const since = this.#sightings.get(keyId)?.get(fingerprint(entry))
    if (since === undefined || entry.term.at === Number.POSITIVE_INFINITY) return entry.term.ttl
    return entry.term.ttl - Math.max(0, at.mono - since)
  }
}

/** Differs between any two writings of an entry, and between any two grants; outsiders are told apart by the owner. */
const fingerprint = (entry: Holder | Waiter): string =>
  `${entry.token} ${entry.owner} ${'fence' in entry ? entry.fence : 'waits'} ${entry.term.clock} ${entry.term.at}`
