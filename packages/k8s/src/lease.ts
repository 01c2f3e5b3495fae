/** How a lock's record lies in a Lease, beside the plain fields by which other tools see who holds. */
import { createHash } from 'node:crypto'
import { LockBackendError, type LockKey, lockKey, type Outsider, type RecordWrite } from '@locks/core'
import type { LeaseObject, LeaseSpec } from './client.ts'
import { leaseNameOf } from './names.ts'
import { RECORD } from './stamps.ts'
import { microsOf, textOf } from './times.ts'

export const MANAGED_BY = 'app.kubernetes.io/managed-by'
export const MANAGER = 'locks'

/** The lock's own name and namespace: the Lease's name has only what is readable of them. */
const NAME = 'locks/name'
const NAMESPACE = 'locks/namespace'
/** The plain fields as they were when the record was written: others mean that somebody wrote them without a record. */
const BESIDE = 'locks/beside'
/**
 * Where a record is written again as it was, so that what is under way on that version fails: the version, because the server
 * leaves that as it is if nothing is new.
 */
const AGAIN = 'locks/again'

/** The server takes none that is higher. */
const MAX_INTEGER = 2 ** 31 - 1
const MAX_IDENTITY = 200

/** What identifies one writing of the plain fields: a holder never writes the same time twice. */
function writingOf(spec: LeaseSpec): string {
  const renewed = spec.renewTime === undefined ? '' : microsOf(spec.renewTime)
  return `${renewed} ${spec.leaseTransitions ?? ''} ${spec.holderIdentity ?? ''}`
}

export interface Reading {
  /** The record, if there is one. */
  readonly value: string | null
  /** Set if the plain fields were written without a record: who holds by them, or null for nobody. */
  readonly outsider: Outsider | null | undefined
  /** Fencing tokens go on above it: every write of the cluster has raised it, and deleting a Lease does not lower it. */
  readonly floor: bigint
}

/** Tokens that one write can hand out at most: it raises the resource version by 1 at least. */
const TOKENS_PER_WRITE = 20n

export function readingOf({ metadata = {}, spec = {} }: LeaseObject): Reading {
  const version = metadata.resourceVersion ?? ''
  if (!/^\d{1,20}$/.test(version))
    throw new Error(
      `the API server's resource version ${JSON.stringify(version)} is no number: no fencing token fits it`,
    )
  const floor = BigInt(version) << TOKENS_PER_WRITE
  const value = metadata.annotations?.[RECORD] ?? null
  const isOurs = value !== null && metadata.annotations?.[BESIDE] === writingOf(spec)
  return { value, outsider: isOurs ? undefined : outsiderOf(spec), floor }
}

function outsiderOf({
  holderIdentity = '',
  leaseDurationSeconds = 1,
  renewTime,
  acquireTime,
}: LeaseSpec): Outsider | null {
  if (holderIdentity === '') return null
  const at = renewTime ?? acquireTime
  return {
    owner: createHash('sha256').update(holderIdentity).digest('base64url').slice(0, 11),
    metadata: holderIdentity,
    ttl: leaseDurationSeconds * 1_000,
    // Whatever time somebody wrote, as a number that a record holds.
    stamp: at === undefined ? 0 : Math.abs(microsOf(at) || 0) % 2 ** 53,
  }
}

/** Rejects a Lease that belongs to another lock. */
export function checkOwner(key: LockKey, { metadata = {} }: LeaseObject, location: string): void {
  const { name, annotations = {} } = metadata
  const [owner, namespace = ''] = [annotations[NAME], annotations[NAMESPACE]]
  if (owner === undefined || (owner === key.name && namespace === key.namespace)) return
  throw new LockBackendError(
    `lock ${JSON.stringify(key.name)} on k8s ${location}: the Lease ${name} says that it belongs to the lock ${JSON.stringify(owner)} (annotation ${NAME}): somebody has copied or renamed it; delete it when nobody holds`,
    { key },
  )
}

/** The lock that a Lease belongs to; undefined for one that says so, but has not the name for it, such as a copy. */
export function ownerOf({ metadata = {} }: LeaseObject): LockKey | undefined {
  const { name, annotations = {} } = metadata
  try {
    const key = lockKey(annotations[NAMESPACE] ?? '', annotations[NAME] ?? '')
    return leaseNameOf(key) === name ? key : undefined
  } catch {
    return undefined
  }
}

/** A Lease that nobody holds, to be created. `key`: undefined where the Lease has a name of its own. */
export function freeLease(name: string, namespace: string, key: LockKey | undefined): LeaseObject {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name,
      namespace,
      ...(key && {
        labels: { [MANAGED_BY]: MANAGER },
        annotations: { [NAME]: key.name, [NAMESPACE]: key.namespace },
      }),
    },
    spec: { holderIdentity: '', leaseDurationSeconds: 1 },
  }
}

/** The Lease with another record; all else that is in it stays. `now`: this process's wall clock, which nobody compares. */
export function withRecord(lease: LeaseObject, record: RecordWrite, now: number): LeaseObject {
  const { metadata = {}, spec = {} } = lease
  const written = record.moved ? specOf(spec, record, now) : spec
  const { [AGAIN]: _, ...others } = metadata.annotations ?? {}
  const annotations = {
    ...others,
    ...(others[RECORD] === record.value && { [AGAIN]: metadata.resourceVersion ?? '' }),
    [RECORD]: record.value,
    [BESIDE]: writingOf(written),
  }
  // The server keeps account of who wrote what; what is sent of that is at best ignored.
  return { ...lease, metadata: { ...metadata, managedFields: undefined, annotations }, spec: written }
}

/** The plain fields in the way of client-go's leader election. */
function specOf(before: LeaseSpec, { holders }: RecordWrite, now: number): LeaseSpec {
  const earlier = before.renewTime === undefined ? 0 : microsOf(before.renewTime)
  // Not the same time twice, even if the clock was set back: that is what others see a renewal by.
  const renewTime = textOf(Math.max(Math.floor(now) * 1_000, earlier + 1))
  const [first] = holders
  if (first === undefined)
    return { ...before, holderIdentity: '', leaseDurationSeconds: 1, acquireTime: renewTime, renewTime }
  const more = holders.length === 1 ? '' : ` and ${holders.length - 1} more`
  const holderIdentity = `${first.metadata.slice(0, MAX_IDENTITY).toWellFormed()}_${first.owner}${more}`
  const longest = Math.max(...holders.map(({ term }) => term.ttl))
  const leaseDurationSeconds = Math.min(Math.ceil(longest / 1_000), MAX_INTEGER)
  if (holderIdentity === before.holderIdentity) return { ...before, leaseDurationSeconds, renewTime }
  const leaseTransitions = Math.min((before.leaseTransitions ?? -1) + 1, MAX_INTEGER)
  return { ...before, holderIdentity, leaseDurationSeconds, acquireTime: renewTime, renewTime, leaseTransitions }
}
