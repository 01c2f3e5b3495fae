import { elapsed, type Finding, type LockBackend, systemRuntime } from '@locks/core'
import { codeOf } from './failure.ts'
import type { Session } from './session.ts'

/** The lock that is taken to see whether that works. */
const PROBE = 'locks-doctor'
/** Milliseconds to wait for it: another doctor may have it just now. */
const PROBE_TIMEOUT = 5_000
/** Milliseconds that a request may take, as in the library; and an examination of the backend as a whole. */
const REQUEST_TIMEOUT = 3_000
const EXAMINATION_TIMEOUT = 10 * REQUEST_TIMEOUT

type Attempt = { readonly findings: readonly Finding[] } | { readonly error: unknown }

/** What can be told of the backend. Rejects if nothing can: it can't be reached, or others have the probe lock. */
export async function diagnose(session: Session): Promise<readonly Finding[]> {
  const { backend } = session
  const tried = await attempt(probe(session))
  if ('error' in tried && codeOf(tried.error) !== 'LOCK_BACKEND') throw tried.error
  const examined = await attempt(examine(backend))
  if ('error' in tried) {
    if ('error' in examined || examined.findings.length === 0) throw tried.error
    return [...examined.findings, { severity: 'risk', subject: 'probe lock', message: wordsOf(tried.error) }]
  }
  if ('error' in examined) {
    const message = `it could not be looked at: ${wordsOf(examined.error)}`
    return [...tried.findings, { severity: 'unknown', subject: 'configuration', message }]
  }
  return [...tried.findings, ...examined.findings]
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

async function attempt(findings: Promise<readonly Finding[]>): Promise<Attempt> {
  try {
    return { findings: await findings }
  } catch (error) {
    return { error }
  }
}

/** Takes a lock, renews it and gives it up. What an adapter does not look at itself, its caveat has to tell. */
async function probe({ backend, locks }: Session): Promise<readonly Finding[]> {
  const lock = locks.lock(PROBE, { timeout: PROBE_TIMEOUT, requestTimeout: REQUEST_TIMEOUT })
  // Connects, and makes both sides ready: what that takes doesn't count.
  await (await lock.acquire()).release()
  const [acquiring, lease] = await timed(() => lock.acquire())
  const [renewing] = await timed(() => lease.renew())
  const [releasing] = await timed(() => lease.release())
  const message = `taken in ${acquiring}, renewed in ${renewing}, given up in ${releasing}`
  const { caveat } = backend.capabilities.guarantee
  return [
    { severity: 'ok', subject: 'probe lock', message },
    ...(backend.examine === undefined ? [{ severity: 'ok', subject: 'caveat', message: caveat } as const] : []),
  ]
}

async function timed<T>(step: () => Promise<T>): Promise<readonly [string, T]> {
  const started = systemRuntime.now()
  const result = await step()
  const ms = elapsed(systemRuntime, started)
  return [`${ms.toFixed(ms < 10 ? 1 : 0)} ms`, result]
}

async function examine(backend: LockBackend): Promise<readonly Finding[]> {
  if (backend.examine === undefined) return []
  const { promise: late, reject } = Promise.withResolvers<never>()
  const limit = `no answer within ${EXAMINATION_TIMEOUT / 1_000} s`
  const timer = setTimeout(() => reject(new Error(limit)), EXAMINATION_TIMEOUT)
  try {
    return await Promise.race([backend.examine({ timeout: REQUEST_TIMEOUT }), late])
  } finally {
    clearTimeout(timer)
  }
}
