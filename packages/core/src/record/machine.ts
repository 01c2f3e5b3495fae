/**
 * The state machine of a lock: pure transitions from one record to the next. Each answers the very object it was given if
 * nothing changes, which then needs no write.
 */
import type { AcquireRequest, LeaseMode } from '../backend.ts'
import type { Holder, RecordState, Term, Waiter } from './state.ts'

/** The present as one reader sees it. */
export interface Present {
  /** Milliseconds on the store's clock; without one, on this process's. */
  readonly now: number
  /** Identity of this process, for new entries. */
  readonly self: string
  /** Whether an entry's time is up, or its process gone. */
  over(entry: Holder | Waiter): boolean
  /** A term from now; `previous` is what it replaces. */
  arm(ttl: number, previous?: Term): Term
  /** Milliseconds until a term ends, if it is on this reader's clock. */
  remaining(term: Term): number | undefined
  /** Milliseconds for which an entry may still count, as far as can be told. */
  left(entry: Holder | Waiter): number
  /** For how long a waiter that wants this ttl stays in the queue without a sign of life; it gives one by a third. */
  waiterLife(ttl: number): number
}

/** How long a hold granted by somebody else's release lasts unless the new holder renews it. */
export const CLAIM = 2_000

/** Whether a new hold of this mode can stand beside the present ones. */
function fits(holders: readonly Holder[], mode: LeaseMode, permits: number): boolean {
  const [first] = holders
  if (first === undefined) return true
  if (mode !== first.mode) return false
  return mode === 'shared' || (mode === 'semaphore' && holders.length < permits)
}

/** Whether a newcomer could take the lock at once. */
export const admits = (
  state: RecordState,
  { mode, permits }: { readonly mode: LeaseMode; readonly permits: number },
): boolean => state.queue.length === 0 && fits(state.holders, mode, permits)

/**
 * Brings the record up to the present: drops expired holders and dead waiters, then grants to the queue in its order, as
 * far as the modes allow: one writer, or all readers up to the next writer, or as many permits as are free.
 */
export function advance(state: RecordState, present: Present): RecordState {
  const holders = state.holders.filter((holder) => !present.over(holder))
  const queue = state.queue.filter((waiter) => !present.over(waiter))
  let fence = state.fence
  let granted = 0
  for (const waiter of queue) {
    if (!fits(holders, waiter.mode, waiter.permits)) break
    holders.push(grantTo(waiter, fence + 1n, Math.min(waiter.wants, CLAIM), present))
    fence += BigInt(waiter.tokens)
    granted += 1
  }
  if (granted === 0 && holders.length === state.holders.length && queue.length === state.queue.length) return state
  return { fence, holders, queue: queue.slice(granted) }
}

function grantTo(waiter: Waiter, fence: bigint, ttl: number, present: Present): Holder {
  const { mode, permits, owner, token, process, metadata } = waiter
  return {
    mode,
    permits,
    owner,
    token,
    process,
    metadata,
    fence,
    // Told apart from the waiter's own term, which an observer may have watched for long.
    term: present.arm(ttl, waiter.term),
    start: Math.floor(present.now),
  }
}

/** How a key is in use, where that forbids the requested use; undefined where it doesn't. */
function otherUse(state: RecordState, request: AcquireRequest): string | undefined {
  const [user] = [...state.holders, ...state.queue]
  if (user === undefined) return undefined
  if (user.mode === 'semaphore')
    return request.mode === 'semaphore' && request.permits === user.permits
      ? undefined
      : `a semaphore of ${user.permits} permit${user.permits === 1 ? '' : 's'}`
  return request.mode === 'semaphore' ? 'a lock' : undefined
}

export type AcquireStep =
  | { readonly outcome: 'granted'; readonly state: RecordState; readonly holder: Holder }
  | { readonly outcome: 'busy'; readonly state: RecordState; readonly position: number }
  | { readonly outcome: 'mismatch'; readonly state: RecordState; readonly usedAs: string }

export function acquire(before: RecordState, request: AcquireRequest, present: Present): AcquireStep {
  const state = advance(before, present)
  const mine = state.holders.find(({ token }) => token === request.token)
  if (mine !== undefined) return adopt(state, mine, request, present)

  const usedAs = otherUse(state, request)
  if (usedAs !== undefined) return { outcome: 'mismatch', state, usedAs }

  const place = state.queue.findIndex(({ token }) => token === request.token)
  if (place >= 0) return keepPlace(state, place, present)

  const { mode, permits, owner, token, metadata, tokens } = request
  const entry = { mode, permits, owner, token, process: present.self, metadata }
  if (admits(state, request)) {
    const fence = state.fence + 1n
    const holder: Holder = { ...entry, fence, term: present.arm(request.ttl), start: Math.floor(present.now) }
    const next = { fence: fence + BigInt(tokens - 1), holders: [...state.holders, holder], queue: state.queue }
    return { outcome: 'granted', state: next, holder }
  }
  if (request.wait?.queue !== true) return { outcome: 'busy', state, position: state.queue.length }
  const wants = Math.ceil(request.ttl)
  const waiter: Waiter = { ...entry, term: present.arm(present.waiterLife(wants)), wants, tokens }
  return { outcome: 'busy', state: { ...state, queue: [...state.queue, waiter] }, position: state.queue.length }
}

/**
 * A grant that the requester did not hear of. If a release granted it, its short claim stands as it is (the holder renews
 * in good time); if an earlier request of this token did, its reply was lost and the ttl is armed anew.
 */
function adopt(state: RecordState, mine: Holder, request: AcquireRequest, present: Present): AcquireStep {
  const remaining = present.remaining(mine.term)
  const claimed = mine.term.ttl < request.ttl && remaining !== undefined && remaining > mine.term.ttl / 2
  if (claimed) return { outcome: 'granted', state, holder: mine }
  const holder = { ...mine, term: rearm(mine.term, request.ttl, present), process: present.self }
  return { outcome: 'granted', state: replaceHolder(state, mine, holder), holder }
}

function keepPlace(state: RecordState, place: number, present: Present): AcquireStep {
  const waiter = state.queue[place] as Waiter
  const life = present.waiterLife(waiter.wants)
  // Three quarters, since what is judged by observation is seen a little later than it was written.
  if (present.left(waiter) > (life * 3) / 4) return { outcome: 'busy', state, position: place }
  const queue = state.queue.with(place, { ...waiter, term: present.arm(life, waiter.term) })
  return { outcome: 'busy', state: { ...state, queue }, position: place }
}

/** Never shortens: a term that ends later stays, and where that can't be told, the longer ttl counts. */
function rearm(term: Term, ttl: number, present: Present): Term {
  if (term.at === Number.POSITIVE_INFINITY) return term
  const remaining = present.remaining(term)
  if (remaining === undefined) return present.arm(Math.max(ttl, term.ttl), term)
  return remaining > ttl ? term : present.arm(ttl, term)
}

const replaceHolder = (state: RecordState, old: Holder, holder: Holder): RecordState => ({
  ...state,
  holders: state.holders.with(state.holders.indexOf(old), holder),
})

export interface RenewStep {
  readonly state: RecordState
  /** The renewed hold; undefined: lost. */
  readonly holder: Holder | undefined
}

export function renew(
  before: RecordState,
  request: { readonly token: string; readonly ttl: number; readonly rotateTo: string | undefined },
  present: Present,
): RenewStep {
  const state = advance(before, present)
  const mine = state.holders.find(({ token }) => token === request.token || token === request.rotateTo)
  if (mine === undefined) return { state, holder: undefined }
  const term = rearm(mine.term, request.ttl, present)
  const token = request.rotateTo ?? request.token
  if (term === mine.term && token === mine.token && mine.process === present.self) return { state, holder: mine }
  const holder = { ...mine, token, term, process: present.self }
  return { state: replaceHolder(state, mine, holder), holder }
}

/** Takes `token` out, as holder and as waiter, and lets the next ones in. */
export function remove(
  before: RecordState,
  token: string,
  present: Present,
): { readonly state: RecordState; readonly held: boolean } {
  const held = before.holders.some((holder) => holder.token === token && !present.over(holder))
  const others = {
    fence: before.fence,
    holders: before.holders.filter((holder) => holder.token !== token),
    queue: before.queue.filter((waiter) => waiter.token !== token),
  }
  const absent = others.holders.length === before.holders.length && others.queue.length === before.queue.length
  return { state: advance(absent ? before : others, present), held }
}

/** Takes all holders out, whoever they are, and lets the next ones in. */
export function breakAll(
  before: RecordState,
  present: Present,
): { readonly state: RecordState; readonly held: boolean } {
  const held = before.holders.some((holder) => !present.over(holder))
  return { state: advance(before.holders.length === 0 ? before : { ...before, holders: [] }, present), held }
}

export const isIdle = (state: RecordState): boolean => state.holders.length === 0 && state.queue.length === 0
