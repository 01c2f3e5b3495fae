import type { LeaseMode, LockState } from '@locks/core'
import { type AcquireReply, acquireReply, inspectReply, type Timed } from '../replies.ts'

export type ProposeReply =
  | AcquireReply
  | { readonly outcome: 'own'; readonly fencingToken: bigint }
  | { readonly outcome: 'abstains' | 'small' }

export type ConfirmReply =
  | { readonly outcome: 'ok' | 'gone' }
  | { readonly outcome: 'low'; readonly fencingToken: bigint }

/** What a node's record says. */
export interface Record {
  readonly id: string
  readonly votes: boolean
  /** Milliseconds since it was found without a record. */
  readonly age: number
  /** Undefined: it has forgotten, or never knew. */
  readonly ttl: number | undefined
  readonly fence: bigint
}

/** A reply whose first word is the time. */
function words(text: unknown): Timed<readonly string[]> {
  const [time = '', ...reply] = String(text).split(' ')
  if (!/^\d+$/.test(time)) throw new Error(`an unexpected reply: ${JSON.stringify(String(text))}`)
  return { now: Number(time), reply }
}

export function proposeReply(text: unknown, mode: LeaseMode): Timed<ProposeReply> {
  const [outcome, time, fence = ''] = String(text).split(' ')
  switch (outcome) {
    case 'own':
      return { now: Number(time), reply: { outcome, fencingToken: BigInt(fence) } }
    case 'abstains':
    case 'small':
      return { now: Number(time), reply: { outcome } }
    default:
      return acquireReply(text, mode)
  }
}

export function confirmReply(text: unknown): Timed<ConfirmReply> {
  const { now, reply } = words(text)
  const [outcome, fence = ''] = reply
  if (outcome === 'low') return { now, reply: { outcome, fencingToken: BigInt(fence) } }
  return { now, reply: { outcome: outcome === 'ok' ? 'ok' : 'gone' } }
}

export function lookReply(text: unknown): Timed<Record> {
  const { now, reply } = words(text)
  const [id = '', votes, age, ttl, fence = ''] = reply
  const known = ttl === '-' ? undefined : Number(ttl)
  return { now, reply: { id, votes: votes === '1', age: Number(age), ttl: known, fence: BigInt(fence) } }
}

/** Undefined: the node abstains. */
export function viewReply(list: unknown): Timed<LockState | undefined> {
  if (Array.isArray(list) && String(list[0]) === 'abstains') return { now: Number(list[1]), reply: undefined }
  return inspectReply(list)
}
