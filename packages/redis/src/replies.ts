import type { HolderState, LeaseMode } from '@locks/core'
import { NEVER } from './scripts/prelude.ts'

/** What `ACQUIRE` answered. Times are the server's. */
export type AcquireReply =
  | { readonly outcome: 'granted'; readonly fencingToken: bigint; readonly ttl: number }
  | { readonly outcome: 'busy'; readonly first: boolean; readonly freeIn: number; readonly holder: HolderState }
  | { readonly outcome: 'mismatch'; readonly usedAs: string }
  | { readonly outcome: 'late' }

/** A reply, and the server's time at which it was made. */
export interface Timed<T> {
  readonly now: number
  readonly reply: T
}

/** A reply that no script of ours makes. */
const unexpected = (reply: unknown): Error => new Error(`an unexpected reply: ${JSON.stringify(String(reply))}`)

const amount = (text: string | undefined): number => (text === 'inf' ? Number.POSITIVE_INFINITY : Number(text))

export const usedAs = (use: string): string => (use === 'lock' ? 'a lock' : `a semaphore of ${use} permits`)

/** `<ends> <fence><since><owner> <metadata>`, the first three of 13, 16 and 13 digits. */
function holderFrom(
  [ends, particulars = '', ...metadata]: readonly string[],
  mode: LeaseMode,
  now: number,
): HolderState {
  return {
    owner: particulars.slice(29),
    mode,
    fencingToken: BigInt(particulars.slice(0, 16)),
    remaining: ends === NEVER ? Number.POSITIVE_INFINITY : Number(ends) - now,
    age: Math.max(0, now - Number(particulars.slice(16, 29))),
    metadata: metadata.join(' '),
  }
}

/** The time, of 13 digits, stands behind the outcome's letter. */
export function acquireReply(reply: unknown, mode: LeaseMode): Timed<AcquireReply> {
  const text = String(reply)
  if (text.startsWith('late ')) return { now: Number(text.slice(5)), reply: { outcome: 'late' } }
  const now = Number(text.slice(2, 15))
  if (text.startsWith('g ')) {
    const fencingToken = BigInt(text.slice(16, 32))
    return { now, reply: { outcome: 'granted', fencingToken, ttl: amount(text.slice(33)) } }
  }
  if (text.startsWith('m ')) return { now, reply: { outcome: 'mismatch', usedAs: usedAs(text.slice(16)) } }
  if (!text.startsWith('b ')) throw unexpected(reply)
  const [first, use, ...fields] = text.slice(16).split(' ')
  const holder = holderFrom(fields, use === 'x' ? 'exclusive' : mode === 'exclusive' ? 'shared' : mode, now)
  return { now, reply: { outcome: 'busy', first: first === '1', freeIn: holder.remaining, holder } }
}

/** `<now> <word>`, or `late <now>`. */
export function wordReply(reply: unknown): Timed<string> {
  const text = String(reply)
  if (text.startsWith('late ')) return { now: Number(text.slice(5)), reply: 'late' }
  const now = Number(text.slice(0, 13))
  if (Number.isNaN(now) || text[13] !== ' ') throw unexpected(reply)
  return { now, reply: text.slice(14) }
}

export interface InspectReply {
  readonly holders: readonly HolderState[]
  readonly waiters: number
}

export function inspectReply(list: unknown): Timed<InspectReply> {
  if (!Array.isArray(list)) throw unexpected(list)
  const [time, waiters, use, ...holders] = list.map(String)
  const now = Number(time)
  const several: LeaseMode = use === 'lock' ? 'shared' : 'semaphore'
  const described = holders.map((text) => {
    const [mode, ...fields] = text.split(' ')
    return holderFrom(fields, mode === 'x' ? 'exclusive' : several, now)
  })
  return { now, reply: { holders: described, waiters: Number(waiters) } }
}
