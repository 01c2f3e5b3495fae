import { elapsed, type LockKey, type RenewAnswer, type RenewRequest } from '@locks/core'
import type { Claim } from './claims.ts'
import type { KeyValue } from './client.ts'
import { cancel } from './ending.ts'
import { isLeaseGone } from './failure.ts'
import { holdKeys } from './guard.ts'
import { contenderOf, placeOf } from './keys.ts'
import type { Lease } from './lease.ts'
import { decode, encode, holdersAmong } from './record.ts'
import { applicantOf, ranges, readAll, settle } from './requests.ts'
import { letGo, restOn, type Store, secondsOf } from './store.ts'

const CLEAN_UP_TIMEOUT = 3_000
/** How often a key is put that turns out to have been put meanwhile. */
const MOVES = 4

const LOST: RenewAnswer = { outcome: 'lost' }

/** Lengthens a hold: a sign of life for its lease, then a look whether the key is there; or it moves to another lease. */
export async function renew(store: Store, known: Claim | undefined, request: RenewRequest): Promise<RenewAnswer> {
  const { runtime } = store
  const started = runtime.now()
  const rest = (): number => Math.max(1, request.timeout - elapsed(runtime, started))
  const claim = known ?? (await find(store, request, rest()))
  if (claim === undefined) return LOST
  if (!claim.isHeld || claim.isGivenUp) return LOST
  if (claim.lease !== undefined && !claim.lease.isAlive) return lose(store, claim)
  const promised = left(store, claim)
  const { ttl, rotateTo } = request
  if (promised > ttl && rotateTo === undefined && suits(store, claim, request)) {
    // It lasts longer than it was asked to: it may not be shortened, and need not be lengthened.
    const kv = await read(store, claim, rest())
    if (!isOurs(claim, kv)) return lose(store, claim)
    return { outcome: 'renewed', ...(claim.term as NonNullable<Claim['term']>) }
  }
  const needed = { ...request, ttl: Math.max(ttl, promised) }
  const lease = await target(store, claim, needed, rest)
  if (lease !== undefined && lease === claim.lease && rotateTo === undefined && claim.perhaps.size === 0) {
    await lease.keepAlive(rest())
    if (!lease.isAlive) return lose(store, claim)
    const kv = await read(store, claim, rest())
    if (kv === undefined || !isOurs(claim, kv)) return lose(store, claim)
    if (kv.lease === lease.id) return term(store, claim, needed)
    claim.modRevision = kv.mod_revision
  }
  return move(store, claim, lease, needed, rest)
}

/** Milliseconds until the end that was answered. */
const left = ({ runtime }: Store, { term }: Claim): number =>
  term === undefined ? 0 : term.ttl - elapsed(runtime, term.since)

/** Whether the lease that it rests on may stay: one of its own, if it has to live on alone. */
const suits = ({ leases }: Store, { lease }: Claim, { standalone }: RenewRequest): boolean =>
  lease === undefined || !standalone || !leases.isShared(lease)

const isOurs = ({ applicant }: Claim, kv: KeyValue | undefined): boolean => kv?.value.equals(applicant.value) === true

async function read({ members }: Store, { key, applicant }: Claim, timeout: number): Promise<KeyValue | undefined> {
  const request = { compare: [], success: [{ request_range: { key: applicant.own } }], failure: [] }
  return ranges((await members.txn(key, 'renewing', timeout, request)).answer.responses)[0]?.[0]
}

/** What it is to rest on. It is counted as a user of that, but not twice. */
async function target(
  { leases }: Store,
  { lease, key }: Claim,
  { ttl, standalone, rotateTo }: RenewRequest,
  rest: () => number,
): Promise<Lease | undefined> {
  if (ttl === Number.POSITIVE_INFINITY) return undefined
  const seconds = secondsOf(ttl)
  const fits = lease !== undefined && lease.ttl === seconds * 1_000 && leases.isShared(lease) === !standalone
  if (fits && rotateTo === undefined) return lease
  // What is handed over runs out by itself if nothing is heard of it: others would keep a session up. The next renewal moves it.
  if (standalone || rotateTo !== undefined) return leases.own(key, seconds, rest())
  const session = await leases.session(key, seconds, rest(), false)
  if (session === lease) leases.release(session)
  return session
}

/** Puts the key on another lease, perhaps with another secret. It keeps its create revision, and so its place. */
async function move(
  store: Store,
  claim: Claim,
  lease: Lease | undefined,
  request: RenewRequest,
  rest: () => number,
): Promise<RenewAnswer> {
  const { leases } = store
  const { applicant, key } = claim
  const { own, value } = applicant
  const { rotateTo } = request
  const isNew = lease !== claim.lease
  const { token = claim.token, ...same } = { ...decode(value), token: rotateTo ?? claim.token }
  const next = rotateTo === undefined ? value : encode({ ...same, token })
  try {
    if (lease !== undefined && isNew) await lease.keepAlive(rest())
  } catch (error) {
    if (lease !== undefined) leases.release(lease)
    throw error
  }
  let isOurs: boolean
  try {
    isOurs = await put(store, claim, next, lease, rest)
  } catch (error) {
    if (lease !== undefined && isLeaseGone(error)) {
      if (isNew) leases.release(lease)
      await leases.suspect(lease, rest())
    } else if (isNew && !claim.perhaps.has(lease)) claim.perhaps.add(lease)
    else if (isNew && lease !== undefined) leases.release(lease)
    throw error
  }
  if (!isOurs) {
    if (lease !== undefined && isNew) leases.release(lease)
    return lose(store, claim)
  }
  if (isNew) restOn(store, claim, lease)
  // Requests of which nothing was heard do nothing any more.
  for (const one of claim.perhaps) if (one !== undefined) leases.release(one)
  claim.perhaps.clear()
  if (rotateTo === undefined) return term(store, claim, request)
  const { claims } = store
  claims.forget(claim)
  const { lease: held, createRevision, modRevision, isHeld } = claim
  holdKeys.set(applicant.who.owner, own)
  const successor = claims.add({
    ...{ key, token, ttl: claim.ttl, applicant: { ...applicant, value: next } },
    ...{ lease: held, createRevision, modRevision, isHeld, doubtful: claim.doubtful },
  })
  return term(store, successor, request)
}

/** Whether it was still ours, and rests on that lease now. An earlier request than this one may have been carried out. */
async function put(
  { members }: Store,
  claim: Claim,
  next: Buffer,
  lease: Lease | undefined,
  rest: () => number,
): Promise<boolean> {
  const { own } = claim.applicant
  let { value } = claim.applicant
  for (let round = 0; round < MOVES; round += 1) {
    const request = settle(own, [value, next], claim.modRevision ?? '0', lease?.id)
    const { answer } = await members.txn(claim.key, 'renewing', rest(), request)
    const seen = ranges(answer.responses)[0]?.[0]
    if (!answer.succeeded && seen?.value.equals(value) !== true && seen?.value.equals(next) !== true) return false
    claim.modRevision = seen?.mod_revision ?? answer.header.revision
    if (answer.succeeded || (seen?.value.equals(next) === true && seen.lease === (lease?.id ?? '0'))) return true
    value = seen?.value ?? value
  }
  throw new Error('its key keeps changing')
}

function term({ runtime }: Store, claim: Claim, { ttl }: RenewRequest): RenewAnswer {
  const { lease } = claim
  claim.term =
    lease === undefined ? { since: runtime.now(), ttl } : { since: lease.since, ttl: Math.min(ttl, lease.ttl) }
  return { outcome: 'renewed', ...claim.term }
}

function lose(store: Store, claim: Claim): RenewAnswer {
  const { lease } = claim
  if (lease !== undefined && store.leases.isShared(lease)) void store.leases.suspect(lease, CLEAN_UP_TIMEOUT)
  claim.isHeld = false
  if (claim.doubtful.size > 0 || claim.perhaps.size > 0) {
    // A request of it that arrives yet must not take the lock again, nor one that did keep it.
    const timeout = CLEAN_UP_TIMEOUT
    void cancel(store, claim, { ...claim, mode: 'exclusive', timeout }).catch(() => undefined)
    return LOST
  }
  store.claims.forget(claim)
  letGo(store, claim)
  return LOST
}

/** A hold that another process had, by its secret: the present one, or the one that it was to get. */
async function find(store: Store, request: RenewRequest, timeout: number): Promise<Claim | undefined> {
  const { key, token, rotateTo } = request
  if (rotateTo === undefined) return undefined
  const after = store.claims.get(rotateTo)
  if (after !== undefined) return after
  const place = placeOf(store.prefix, key)
  return (await search(store, key, place, timeout, token)) ?? (await search(store, key, place, timeout, rotateTo))
}

async function search(
  { members, claims, runtime }: Store,
  key: LockKey,
  place: ReturnType<typeof placeOf>,
  timeout: number,
  token: string,
): Promise<Claim | undefined> {
  const { answer } = await members.txn(key, 'renewing', timeout, readAll(place))
  const kv = holdersAmong(ranges(answer.responses)[0] ?? []).find(({ value }) => decode(value).token === token)
  if (kv === undefined) return undefined
  const { ttl } = decode(kv.value)
  // It may not be shortened.
  const left = kv.lease === '0' ? Number.POSITIVE_INFINITY : await mostLeft(members, key, kv.lease, timeout)
  const applicant = applicantOf(place, contenderOf(kv.key), kv.value)
  const { create_revision: createRevision, mod_revision: modRevision } = kv
  const term = { since: runtime.now(), ttl: left }
  return claims.add({ key, token, ttl, applicant, createRevision, modRevision, isHeld: true, term })
}

/** Milliseconds that a lease lasts at most unless it is renewed: etcd tells it in whole seconds, rounded down. */
async function mostLeft(members: Store['members'], key: LockKey, ID: string, timeout: number): Promise<number> {
  const { answer } = await members.ask(key, 'renewing', timeout, (client, options) =>
    client.leaseClient.leaseTimeToLive({ ID }, options),
  )
  return (Number((answer as { readonly TTL: string }).TTL) + 1) * 1_000
}
