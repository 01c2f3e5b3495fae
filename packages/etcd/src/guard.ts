import { type Lease, LockNotHeldError, lockKey } from '@locks/core'
import { createRevision } from './record.ts'

/** Where the holds of this process are stored, by their owners. */
export const holdKeys: Map<string, Buffer> = new Map()

/** What `if` and `and` of an etcd3 transaction take: the key of the hold, and that it is the very one. */
export type GuardArguments = readonly [key: Buffer, column: 'Create', comparison: '==', createRevision: string]

/**
 * The condition "this lease is still mine", for a transaction of yours with etcd3. If the lease has ended in etcd, by
 * expiry, by `forceRelease` or otherwise, nothing of the transaction's `then` is done: `succeeded` is false.
 *
 *     const { succeeded } = await client.if(...guard(lease)).then(client.put('total').value('42')).commit()
 *
 * The client must be of the same cluster, and no namespace of one. Throws a LockNotHeldError for
 * a LockNotHeldError where it is known already that the lease is over.
 */
export function guard(lease: Lease): GuardArguments {
  const { name, owner, fencingToken } = lease
  const key = holdKeys.get(owner)
  if (key !== undefined) return [key, 'Create', '==', createRevision(fencingToken)]
  throw new LockNotHeldError(
    `guard was given a lease of lock ${JSON.stringify(name)} (owner ${owner}) that is over, or is none of an etcd backend in this process`,
    { key: lockKey('', name) },
  )
}
