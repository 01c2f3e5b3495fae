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

export function acquireReply(text: unknown, mode: LeaseMode): Timed<AcquireReply> {
  const [outcome, time, ...rest] = String(text).split(' ')
  const now = Number(time)
  const reply = ((): AcquireReply => {
    switch (outcome) {
      case 'g':
        return { outcome: 'granted', fencingToken: BigInt(rest[0] ?? ''), ttl: amount(rest[1]) }
      case 'b': {
        const [first, use, ...fields] = rest
        const holder = holderFrom(fields, use === 'x' ? 'exclusive' : mode === 'exclusive' ? 'shared' : mode, now)
        return { outcome: 'busy', first: first === '1', freeIn: holder.remaining, holder }
      }
      case 'm':
        return { outcome: 'mismatch', usedAs: usedAs(rest[0] ?? '') }
      case 'late':
        return { outcome: 'late' }
      default:
        throw unexpected(text)
    }
  })()
  return { now, reply }
}

/** `<now> <word>`, or `late <now>`. */
export function wordReply(text: unknown): Timed<string> {
  const [time, word = ''] = String(text).split(' ')
  if (time === 'late') return { now: Number(word), reply: 'late' }
  if (!/^\d+$/.test(time ?? '')) throw unexpected(text)
  return { now: Number(time), reply: word }
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
