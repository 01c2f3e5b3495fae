import type { LockBackend } from './backend.ts'
import { LockError } from './errors.ts'
import { memoryBackend } from './memory-backend.ts'
import { checkLockOptions, isBackend, type LockOptions } from './options.ts'

let configured: LockOptions = {}
let generation = 0

/**
 * Sets process-wide defaults for every lock that doesn't say otherwise, including existing ones at their next acquire.
 * Merges: what isn't named stays as it is; `undefined` goes back to the default.
 */
export function configure(options: LockOptions): void {
  checkLockOptions(options)
  configured = { ...configured, ...options }
  generation += 1
}

export function configuration(): { readonly options: LockOptions; readonly generation: number } {
  return { options: configured, generation }
}

/** Makes a backend from a URL; it may also take other arguments. */
export type BackendFactory = (url: string) => LockBackend

const factories = new Map<string, BackendFactory>()
const SCHEME = /^[a-z][a-z0-9+.-]*$/

/**
 * Makes URLs of a scheme usable wherever a backend is asked for: `registerBackend('redis', redisBackend)`. A later
 * registration of the same scheme replaces the earlier one, for backends made from then on.
 */
export function registerBackend(scheme: string, factory: BackendFactory): void {
  if (typeof scheme !== 'string' || !SCHEME.test(scheme))
    throw new TypeError(`scheme is ${JSON.stringify(scheme)}: it must be a lower-case URL scheme without its colon`)
  if (typeof factory !== 'function') throw new TypeError(`factory is ${String(factory)}: it must be a function`)
  factories.set(scheme, factory)
}

registerBackend('memory', (url) => {
  if (!/^memory:(?:\/\/)?$/.test(url))
    throw new TypeError(`url is ${JSON.stringify(url)}: "memory:" takes nothing more`)
  return memoryBackend()
})

/**
 * A new backend from a URL whose scheme is registered (`memory:` always is). Nothing is connected yet. Throws TypeError
 * for another scheme; each adapter's page tells the grammar of its URLs. Close it when you are done with it.
 */
export function backendFromUrl(url: string): LockBackend {
  if (typeof url !== 'string') throw new TypeError(`url is ${String(url)}: it must be a string`)
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(url)?.[1]?.toLowerCase()
  const factory = scheme === undefined ? undefined : factories.get(scheme)
  if (factory === undefined)
    throw new TypeError(
      `url has ${scheme === undefined ? 'no scheme' : `the scheme ${JSON.stringify(scheme)}`}: registered are ${[...factories.keys()].map((known) => `"${known}:"`).join(', ')}. Others are added with registerBackend(scheme, factory)`,
    )
  const backend = factory(url)
  if (!isBackend(backend)) throw new TypeError(`the factory of scheme "${scheme}" returned no backend`)
  return backend
}

const shared = new Map<string, LockBackend>()

/** The backend that an option names. One URL is one backend per process, so that its locks share a connection. */
export function resolveBackend(backend: LockBackend | string | undefined): LockBackend {
  if (backend === undefined)
    throw new LockError(
      'LOCK_UNCONFIGURED',
      'no backend: give one with new Lock(name, { backend }) or, for all locks of the process, with configure({ backend }). For processes of one host: import { fileBackend } from "@locks/file"',
    )
  if (typeof backend !== 'string') return backend
  const known = shared.get(backend) ?? backendFromUrl(backend)
  shared.set(backend, known)
  return known
}

/** Forgets a closed backend, so that its URL makes a new one. */
export function forgetBackend(backend: LockBackend): void {
  for (const [url, known] of shared) if (known === backend) shared.delete(url)
  generation += 1
}
