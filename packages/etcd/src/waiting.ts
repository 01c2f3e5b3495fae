import type { Wait } from '@locks/core'
import type { Claim } from './claims.ts'
import type { Position } from './requests.ts'
import type { Store } from './store.ts'
import type { Watching } from './watches.ts'

/** How often a waiter looks again without having been woken, in milliseconds: the more wait, the more rarely. */
const LOOK_AGAIN = 2_000
const FOR_EACH = 60
const MOST_RARELY = 60_000
/** So much later than it was told to look again, one that doesn't is taken for dead. */
const GRACE = 5_000

/** Sees to it that a claim is woken when its turn may have come. Returns the milliseconds after which it looks in any case. */
export function waitIn(store: Store, claim: Claim, wait: Wait, position: Position): number {
  const { claims, runtime } = store
  claim.wake = () => wait.wake()
  const often = Math.min(MOST_RARELY, LOOK_AGAIN + FOR_EACH * position.contenders)
  const within = Math.min(often, wait.retryInterval ?? often) * (0.7 + 0.3 * runtime.random())
  claims.waits(claim, within + GRACE)
  const watched = wait.queue ? position.ahead.map(({ key }) => key.toString()).join('\n') : '*'
  if (claim.unwatch !== undefined && claim.watched === watched) return within
  claim.unwatch?.()
  const from = String(BigInt(position.revision) + 1n)
  const ends = watchings(claim, wait, position).map((watching) => store.watches.watch(from, watching))
  claim.watched = watched
  claim.unwatch = () => {
    for (const end of ends) end()
  }
  return within
}

/** Only whom one waits for, and one's own key; so that a hand-over wakes nobody but the next. */
function watchings(claim: Claim, { queue }: Wait, { ahead }: Position): readonly Watching[] {
  const { applicant } = claim
  const wake = (): void => claim.wake?.()
  const missed = (): void => {
    claim.watched = ''
    wake()
  }
  // Without a place, whoever looks first has it.
  if (!queue) return [{ ...applicant.place.all, seen: wake, missed }]
  const own: Watching = { key: applicant.own, seen: wake, missed }
  if (applicant.who.mode !== 'semaphore') return [...ahead.map(({ key }) => ({ key, seen: wake, missed })), own]
  // Any of those ahead may free the permit: counted here, without a request.
  const before = new Set(ahead.map(({ key }) => key.toString()))
  const seen = (key: Buffer): void => {
    before.delete(key.toString())
    if (before.size < applicant.who.permits || key.equals(applicant.own)) wake()
  }
  return [{ ...applicant.place.permits, seen, missed }]
}
