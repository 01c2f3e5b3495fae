import { LockBackendError, LockError, type LockKey } from '@locks/core'

const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [
    /permission denied/i,
    'this user lacks a permission: it needs readwrite on the whole prefix (etcdctl role grant-permission ROLE --prefix=true readwrite PREFIX)',
  ],
  [/authentication failed|user name is empty/i, 'etcd wants another user name or password'],
  [/authentication is not enabled/i, 'a user name and password are given, but authentication is off in etcd'],
  [
    /database space exceeded/i,
    'etcd is out of space (alarm NOSPACE) and takes no writes: compact, defragment, disarm the alarm',
  ],
  [/corrupt cluster/i, 'etcd found its data corrupt (alarm CORRUPT): replace that member'],
  [/too large lease TTL/i, 'etcd does not grant leases of that length'],
]

/** They pass by themselves: another member, or the next leader, may answer. */
const PASSING =
  /UNAVAILABLE|DEADLINE_EXCEEDED|CANCELLED|GRPC(?:Unavailable|DeadlineExceeded|Cancelled)|^(?:14|4|1) |no leader|leader changed|request timed out|not ready|too many requests|server stopped|circuit|Execution prevented|no answer within|the stream ended|INTERNAL|GRPCInternal|connection|ECONN/i

export const isPassing = (error: unknown): boolean =>
  error instanceof Error && PASSING.test(`${error.name} ${error.message}`)

export const isLeaseGone = (error: unknown): boolean =>
  error instanceof Error && /lease not found|is expired or revoked/i.test(error.message)

export const isTokenRefused = (error: unknown): boolean =>
  error instanceof Error && /invalid auth token|revision of auth store is old/i.test(error.message)

const describe = ({ name, namespace }: LockKey): string =>
  `lock ${JSON.stringify(name)}${namespace === '' ? '' : ` (namespace ${JSON.stringify(namespace)})`}`

/** Without what gRPC has for notes where it has none. */
function readable(thrown: Error): Error {
  const message = thrown.message
    .replace(/\.?\s*Resolution note:\s*$/, '')
    .replace('Last error: Error: ', 'Last error: ')
  return message === thrown.message ? thrown : new Error(message, { cause: thrown })
}

/** What a failed request is for who has to mend it; final where repeating it would not help. */
export function failure(location: string, key: LockKey | undefined, action: string, thrown: unknown): Error {
  if (thrown instanceof LockError) return thrown
  if (!(thrown instanceof Error)) return new Error(String(thrown))
  const meaning = MEANINGS.find(([pattern]) => pattern.test(thrown.message))?.[1]
  if (meaning === undefined) return readable(thrown)
  const subject = key === undefined ? `etcd ${location}` : `${describe(key)} on etcd ${location}`
  return new LockBackendError(`${subject}: ${action} failed: ${meaning} (${thrown.message})`, { key, cause: thrown })
}
