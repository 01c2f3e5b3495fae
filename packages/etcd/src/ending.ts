import { elapsed, type LockKey, type TokenRequest } from '@locks/core'
import type { Claim } from './claims.ts'
import type { Operation } from './client.ts'
import { isLeaseGone } from './failure.ts'
import { grave, placeOf } from './keys.ts'
import { holdersAmong } from './record.ts'
import { change, ranges, readAll } from './requests.ts'
import { letGo, type Store } from './store.ts'

/** etcd takes so many operations in a transaction. */
const MOST = 100
/** Milliseconds after which it is tried again to take back what could not be. */
const AGAIN = 2_000

/** Undoes what acquire did for a claim, and what it may still do. */
export async function cancel(store: Store, claim: Claim, { timeout }: TokenRequest): Promise<void> {
  const { runtime, claims } = store
  const started = runtime.now()
  claim.isGivenUp = true
  claims.rest(claim)
  // What is answered need not be made harmless.
  await claim.pending?.catch(() => undefined)
  const rest = Math.max(1, timeout - elapsed(runtime, started))
  try {
    if (claim.createRevision !== undefined || claim.doubtful.size > 0) await remove(store, claim, 'cancelling', rest)
  } catch (error) {
    // Its key may rest on a session that others keep up: nothing else would end it.
    claims.waits(claim, AGAIN)
    throw error
  }
  claims.forget(claim)
  letGo(store, claim)
}

/** Whether it held until now. */
export async function release(store: Store, claim: Claim, request: TokenRequest): Promise<boolean> {
  if (!claim.isHeld) {
    await cancel(store, claim, request)
    return false
  }
  const held = await remove(store, claim, 'releasing', request.timeout)
  store.claims.forget(claim)
  letGo(store, claim)
  return held
}

/**
 * Removes a claim's key. Where requests are under way that nobody waits for, it is noted that they have no effect: with the
 * leases that they name, so that the note goes when they could not do anything any more. True: the key was there.
 */
async function remove({ members, leases }: Store, claim: Claim, action: string, timeout: number): Promise<boolean> {
  const { key, doubtful, applicant, lease } = claim
  const { place, who, own, value } = applicant
  const gone: Operation = { request_delete_range: { key: own } }
  const note = (lease: string): Operation => ({
    request_put: { key: grave(place, who.owner, lease), value: Buffer.alloc(0), lease },
  })
  if (doubtful.size === 0 && lease !== undefined && leases.isShared(lease)) {
    // Only what has a lease of its own can have been handed over: this key is nobody else's.
    const { answer, repeated } = await members.ask(key, action, timeout, (client, options) =>
      client.kv.deleteRange({ key: own }, options),
    )
    return repeated || (answer as { readonly deleted: string }).deleted !== '0'
  }
  const notes = [...doubtful].map(({ id }) => note(id))
  const ask = async (removing: boolean, noting: readonly Operation[]): Promise<boolean> => {
    const first = removing ? [gone, ...noting] : noting
    const request = { ...change(own, value, ...first), failure: [{ request_range: { key: own } }, ...noting] }
    const { answer, repeated } = await members.txn(key, action, timeout, request)
    if (answer.succeeded) return true
    // The first one of two may have been carried out.
    return repeated && ranges(answer.responses)[0]?.length === 0
  }
  try {
    return await ask(true, notes)
  } catch (error) {
    if (notes.length === 0 || !isLeaseGone(error)) throw error
  }
  // What names a lease that has ended fails by itself; the others are noted one by one.
  for (const one of notes)
    await ask(false, [one]).catch((error) => {
      if (!isLeaseGone(error)) throw error
    })
  return ask(true, [])
}

/** Removes all who hold. True: there was one. */
export async function forceRelease({ members, prefix }: Store, key: LockKey, timeout: number): Promise<boolean> {
  const { answer } = await members.txn(key, 'breaking', timeout, readAll(placeOf(prefix, key)))
  const holders = holdersAmong(ranges(answer.responses)[0] ?? [])
  let broken = 0
  for (let at = 0; at < holders.length; at += MOST) {
    const some = holders.slice(at, at + MOST)
    // Each key is one hold's, and never another's.
    const success = some.map((holder): Operation => ({ request_delete_range: { key: holder.key } }))
    const removal = await members.txn(key, 'breaking', timeout, { compare: [], success, failure: [] })
    const count = (sum: number, one: (typeof removal.answer.responses)[number]): number =>
      sum + Number(one.response_delete_range?.deleted ?? 0)
    broken += removal.repeated ? some.length : removal.answer.responses.reduce(count, 0)
  }
  return broken > 0
}
