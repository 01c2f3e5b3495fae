import type { LockKey, Runtime } from '@locks/core'
import type { Claim, Claims } from './claims.ts'
import type { Lease } from './lease.ts'
import type { Leases } from './leases.ts'
import type { Members } from './members.ts'
import type { Remaining } from './remaining.ts'
import type { Watches } from './watches.ts'

/** What the steps of a lock work with. */
export interface Store {
  readonly members: Members
  readonly leases: Leases
  readonly claims: Claims
  readonly watches: Watches
  readonly remaining: Remaining
  readonly prefix: string
  readonly runtime: Runtime
}

export const secondsOf = (ttl: number): number => Math.ceil(ttl / 1_000)

/** How a lock reads in a message. */
export const describe = ({ name, namespace }: LockKey): string =>
  `lock ${JSON.stringify(name)}${namespace === '' ? '' : ` (namespace ${JSON.stringify(namespace)})`}`

/** What a claim rested on, or would have, is needed for it no longer. */
export function letGo({ leases }: Store, claim: Claim): void {
  const used = [claim.lease, claim.named.hold, claim.named.wait, ...claim.perhaps].filter(
    (lease) => lease !== undefined,
  )
  claim.perhaps.clear()
  claim.lease = undefined
  claim.named = { hold: undefined, wait: undefined }
  // Late requests fail when what they name has ended; until then what was given up stays noted.
  for (const lease of claim.doubtful) leases.doubt(lease)
  for (const lease of used) leases.release(lease)
}

/** A claim's key rests on this lease from now on, and on nothing else. */
export function restOn({ leases }: Store, claim: Claim, lease: Lease | undefined): void {
  const { hold, wait } = claim.named
  const before = [claim.lease, hold, wait].filter((one) => one !== undefined && one !== lease)
  const again = [claim.lease, hold, wait].filter((one) => one !== undefined && one === lease).length
  claim.lease = lease
  claim.named = { hold: undefined, wait: undefined }
  for (const one of before) if (one !== undefined) leases.release(one)
  // It has been counted once for each of them.
  for (let spare = 1; spare < again; spare += 1) if (lease !== undefined) leases.release(lease)
}
