import { type AcquireAnswer, type AcquireRequest, elapsed, LockBackendError } from '@locks/core'
import type { Claim } from './claims.ts'
import type { TransactionAnswer } from './client.ts'
import { isLeaseGone } from './failure.ts'
import { holdKeys } from './guard.ts'
import { contenderOf } from './keys.ts'
import type { Lease } from './lease.ts'
import { fencingToken, holderState } from './record.ts'
import {
  attempt,
  attempted,
  type Entry,
  enter,
  entered,
  isServed,
  look,
  looked,
  type Position,
  settle,
  squeeze,
} from './requests.ts'
import { describe, restOn, type Store, secondsOf } from './store.ts'
import { waitIn } from './waiting.ts'

/** Seconds after which a waiter whose process died has no place any more. Who is granted the lock has it for as long at first. */
const PLACE = 5
/** How often a permit is tried for at once that others take at the same moment. After that there are pauses, in milliseconds. */
const SQUEEZES = 4
const PAUSE = 4
const LONGEST_PAUSE = 60

/** Takes the lock for a claim, or a place in its queue. */
export async function acquire(store: Store, claim: Claim, request: AcquireRequest): Promise<AcquireAnswer> {
  const started = store.runtime.now()
  const rest = (): number => Math.max(1, request.timeout - elapsed(store.runtime, started))
  for (let round = 0; round < 3; round += 1) {
    if (claim.isGivenUp) throw givenUp(store, claim)
    const answer =
      claim.createRevision === undefined
        ? await ask(store, claim, request, rest)
        : await lookAgain(store, claim, request, rest)
    if (answer !== undefined) return answer
  }
  throw new Error('its key keeps vanishing')
}

/** Undefined: to be looked at again. */
async function ask(
  store: Store,
  claim: Claim,
  request: AcquireRequest,
  rest: () => number,
): Promise<AcquireAnswer | undefined> {
  const entry = await firstEntry(store, claim, request, rest).catch((error) =>
    sessionEnded(store, claim, error, rest()),
  )
  switch (entry.kind) {
    case 'alone':
      claim.createRevision = entry.revision
      claim.modRevision = entry.revision
      restOn(store, claim, claim.named.hold)
      return granted(store, claim, request)
    case 'entered':
      claim.createRevision = entry.position.revision
      claim.modRevision = entry.position.revision
      restOn(store, claim, claim.named.wait)
      return stand(store, claim, request, entry.position)
    case 'known': {
      claim.createRevision = entry.kv.create_revision
      claim.modRevision = entry.kv.mod_revision
      const { hold, wait } = claim.named
      restOn(
        store,
        claim,
        [hold, wait].find((lease) => lease?.id === entry.kv.lease),
      )
      return undefined
    }
    case 'buried':
      throw givenUp(store, claim)
    case 'misfit': {
      const { mode, permits } = contenderOf(entry.key)
      const usedAs = mode === 'semaphore' ? `a semaphore of ${permits} permit${permits === 1 ? '' : 's'}` : 'a lock'
      forgetUnlessDoubtful(store, claim)
      return { outcome: 'mismatch', usedAs }
    }
    case 'busy':
      return stand(store, claim, request, entry.position)
    case 'gone':
      return undefined
  }
}

/** A request that names a lease which has ended does nothing; other leases are needed. */
async function sessionEnded({ leases }: Store, claim: Claim, error: unknown, timeout: number): Promise<Entry> {
  if (!isLeaseGone(error)) throw error
  const { hold, wait } = claim.named
  await Promise.all([hold, wait].map((lease) => lease && leases.suspect(lease, timeout)))
  return { kind: 'gone' }
}

/** Sends what takes the lock or a place. The same again, with the same leases, as long as there is no answer. */
async function firstEntry(store: Store, claim: Claim, request: AcquireRequest, rest: () => number): Promise<Entry> {
  const { applicant } = claim
  const { leases } = store
  const { ttl, standalone, wait } = request
  const seconds = secondsOf(ttl)
  const hold = await lease(store, claim, 'hold', () =>
    standalone ? leases.own(claim.key, seconds, rest()) : leases.session(claim.key, seconds, rest(), false),
  )
  const place = Math.min(seconds, PLACE)
  const queues = wait?.queue === true
  // Usually nobody is in the way, and a lease that keeps a place isn't needed.
  if (!queues) {
    const first = attempted(await send(store, claim, rest(), attempt(applicant, hold.id, false)), applicant)
    return squeezeIn(store, claim, hold, first, rest)
  }
  if (claim.named.wait === undefined && !leases.has(place)) {
    const { header, succeeded } = await send(store, claim, rest(), attempt(applicant, hold.id, true))
    if (succeeded) return { kind: 'alone', revision: header.revision }
  }
  const placed = await lease(store, claim, 'wait', () => leases.session(claim.key, place, rest(), true))
  return entered(await send(store, claim, rest(), enter(applicant, hold.id, placed.id)), applicant)
}

/**
 * A permit beside others, or a lock of which only notes are left: there is no transaction that counts, but one that notices
 * newcomers. Each of these took a permit, so that it ends soon: with one, or with none left.
 */
async function squeezeIn(store: Store, claim: Claim, hold: Lease, first: Entry, rest: () => number): Promise<Entry> {
  const { applicant } = claim
  let entry = first
  // The rest of the time is for repeating it, should an answer get lost.
  const least = rest() / 3
  for (let time = 0; entry.kind === 'busy' && isServed(applicant.who, entry.position) && rest() > least; time += 1) {
    if (time >= SQUEEZES) await pause(store, Math.min(LONGEST_PAUSE, PAUSE * time))
    entry = attempted(await send(store, claim, rest(), squeeze(applicant, hold.id, entry.position.revision)), applicant)
  }
  return entry
}

/** Up to so many milliseconds. */
function pause({ runtime }: Store, most: number): Promise<void> {
  return new Promise((resolve) => {
    runtime.setTimer(most * runtime.random(), resolve, true)
  })
}

async function send(
  { members }: Store,
  claim: Claim,
  timeout: number,
  transaction: Parameters<Store['members']['txn']>[3],
): Promise<TransactionAnswer> {
  if (claim.isGivenUp) throw new Error('it was given up')
  const { hold, wait } = claim.named
  const doubt = (): void => {
    for (const one of [hold, wait]) if (one !== undefined) claim.doubtful.add(one)
  }
  try {
    const { answer, repeated } = await members.txn(claim.key, 'acquiring', timeout, transaction)
    if (repeated) doubt()
    return answer
  } catch (error) {
    if (!isLeaseGone(error)) doubt()
    throw error
  }
}

/** The lease that requests of this claim name; another one where that has ended. */
async function lease(
  { leases }: Store,
  claim: Claim,
  role: 'hold' | 'wait',
  get: () => Promise<Lease>,
): Promise<Lease> {
  const known = claim.named[role]
  if (known?.isAlive) return known
  claim.named[role] = undefined
  if (known !== undefined) leases.release(known)
  const found = await get()
  claim.named[role] = found
  return found
}

/** Undefined: the key is gone, and so is the place. */
async function lookAgain(
  store: Store,
  claim: Claim,
  request: AcquireRequest,
  rest: () => number,
): Promise<AcquireAnswer | undefined> {
  const { applicant, createRevision } = claim
  // Who holds has its time armed anew, before one looks whether the key is still there.
  if (claim.lease !== undefined && (request.wait === null || claim.isHeld || claim.lease.age > claim.lease.ttl / 2))
    await claim.lease.keepAlive(rest())
  if (createRevision === undefined) return undefined
  const { answer } = await store.members.txn(claim.key, 'acquiring', rest(), look(applicant, createRevision))
  const { kv, position } = looked(answer, applicant)
  const rests = claim.lease?.isAlive === true && kv?.lease === claim.lease.id
  if (kv === undefined || !kv.value.equals(applicant.value)) {
    claim.createRevision = undefined
    claim.isHeld = false
    store.claims.rest(claim)
    if (claim.lease !== undefined) await store.leases.suspect(claim.lease, rest())
    restOn(store, claim, undefined)
    return undefined
  }
  if (!rests) {
    claim.modRevision = kv.mod_revision
    await moveToSession(store, claim, request, rest)
    return undefined
  }
  return stand(store, claim, request, position)
}

/** What its key rested on is over, or not known: it gets a lease, and keeps its place. */
async function moveToSession(store: Store, claim: Claim, request: AcquireRequest, rest: () => number): Promise<void> {
  const { applicant } = claim
  const seconds = secondsOf(request.ttl)
  const next = request.standalone
    ? await store.leases.own(claim.key, seconds, rest())
    : await store.leases.session(claim.key, seconds, rest(), false)
  try {
    const { own, value } = applicant
    const request = settle(own, [value, value], claim.modRevision ?? '0', next.id)
    await store.members.txn(claim.key, 'acquiring', rest(), request)
  } finally {
    restOn(store, claim, next)
  }
}

function stand(store: Store, claim: Claim, request: AcquireRequest, position: Position): AcquireAnswer {
  if (claim.createRevision !== undefined && isServed(claim.applicant.who, position))
    return granted(store, claim, request)
  const holder = position.first && holderState(position.first)
  const { wait } = request
  if (wait === null) {
    if (claim.createRevision === undefined) forgetUnlessDoubtful(store, claim)
    return { outcome: 'busy', retryAfter: 100, holder }
  }
  if (!wait.queue) restOn(store, claim, undefined)
  return { outcome: 'busy', retryAfter: waitIn(store, claim, wait, position), holder }
}

function granted(store: Store, claim: Claim, { ttl }: AcquireRequest): AcquireAnswer {
  const { lease, createRevision } = claim
  if (claim.isGivenUp || lease === undefined || createRevision === undefined || !lease.isAlive)
    throw new Error('the lease that it rests on has ended')
  store.claims.rest(claim)
  // A hold is never shortened.
  const asked = claim.isHeld ? Math.max(ttl, claim.term?.ttl ?? 0) : ttl
  claim.isHeld = true
  holdKeys.set(claim.applicant.who.owner, claim.applicant.own)
  claim.term = { since: lease.since, ttl: Math.min(asked, lease.ttl) }
  return { outcome: 'granted', fencingToken: fencingToken(createRevision), ...claim.term }
}

function forgetUnlessDoubtful(store: Store, claim: Claim): void {
  // Whoever gives it up takes back what an earlier request may have done.
  if (claim.doubtful.size > 0) return
  store.claims.forget(claim)
  restOn(store, claim, undefined)
}

const givenUp = ({ members }: Store, { key }: Claim): LockBackendError =>
  new LockBackendError(`${describe(key)} on etcd ${members.location}: acquiring was given up before`, { key })
