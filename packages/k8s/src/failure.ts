import { LockBackendError, LockError, type LockKey } from '@locks/core'
import { roleText, VERBS, type Verb } from './role.ts'

/** What the API server said instead of doing it. */
export interface Refusal {
  readonly code: number
  readonly message: string
  readonly headers: Readonly<Record<string, string>>
}

const LOWEST_STATUS = 100

/** The library's `ApiException`, by shape. Its body is the server's Status object, as text. */
export function refusalOf(thrown: unknown): Refusal | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'number') return undefined
  const { code, body, headers } = thrown as Error & { code: number; body?: unknown; headers?: Record<string, string> }
  // A DOMException, such as that of a timeout, has a number as well.
  if (code < LOWEST_STATUS) return undefined
  return { code, message: messageOf(body) ?? `HTTP ${code}`, headers: headers ?? {} }
}

function messageOf(body: unknown): string | undefined {
  if (typeof body !== 'string') return undefined
  try {
    const { message } = JSON.parse(body) as { readonly message?: unknown }
    return typeof message === 'string' ? message : undefined
  } catch {
    return body.trim().slice(0, 200) || undefined
  }
}

/** Where a request was going, and for whom. */
export interface Errand {
  readonly key: LockKey | undefined
  readonly verb: Verb
  readonly namespace: string
  /** The API server's address. */
  readonly server: string
}

const describe = ({ name, namespace }: LockKey): string =>
  `lock ${JSON.stringify(name)}${namespace === '' ? '' : ` (namespace ${JSON.stringify(namespace)})`} on `

export const placeOf = (namespace: string, server: string): string =>
  `k8s namespace ${JSON.stringify(namespace)} at ${server}`

/** What a failed request is for who has to mend it; a `LockBackendError` where repeating it would not help. */
export function failure(thrown: unknown, { key, verb, namespace, server }: Errand): Error {
  if (thrown instanceof LockError) return thrown
  const where = placeOf(namespace, server)
  const refusal = refusalOf(thrown)
  if (refusal === undefined) return new Error(`${where}: ${reasonOf(thrown)}`, { cause: thrown })
  const why = reasonWhy(refusal, verb, namespace)
  if (why === undefined) return new Error(`${where}: ${refusal.message} (${refusal.code})`, { cause: thrown })
  const subject = key === undefined ? where : `${describe(key)}${where}`
  return new LockBackendError(`${subject}: ${why}`, { key, cause: thrown })
}

/** What is to be done about a refusal that does not pass by itself; undefined if it may. */
function reasonWhy({ code, message }: Refusal, verb: Verb, namespace: string): string | undefined {
  if (code === 401)
    return `the API server does not accept the credentials (401 ${message}): they are missing, wrong or have expired`
  if (code === 403)
    return `not allowed to ${verb} leases, which is needed to ${VERBS[verb]} (403 ${message}). A Role that allows all, to be bound to this user or service account:\n${roleText(namespace)}`
  if (code === 404) return `${message} (404): is there such a namespace, and is it the right cluster?`
  if (code === 413 || code === 422)
    return `the API server does not take the Lease (${code} ${message}): annotations hold 256 KiB, which is about 800 holders and waiters of one lock`
  return undefined
}

/** What fetch says is only that it failed; the reason lies below. */
function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  if (thrown.name === 'TimeoutError' || thrown.name === 'AbortError') return 'no answer in time'
  const { cause } = thrown
  if (!(cause instanceof Error)) return thrown.message
  const code =
    'code' in cause && typeof cause.code === 'string' && !cause.message.includes(cause.code) ? cause.code : ''
  return [thrown.message, cause.message, code].filter((text) => text !== '').join(': ')
}
