import { hostname } from 'node:os'
import type { LockBackend } from './backend.ts'
import { checkNamespace } from './key.ts'

/** What may differ from one acquire to the next. Undefined always means: the lock's own, else the configured, else the default. */
export interface AcquireOptions {
  /**
   * Milliseconds for which the backend keeps the hold without a renewal. Default 30,000; at least the backend's
   * minimum. `Infinity` where supported: held until released, even if the holder dies.
   */
  readonly ttl?: number | undefined
  /** Milliseconds to wait for the lock. Default 10,000; 0: one attempt; `Infinity`: as long as it takes. */
  readonly timeout?: number | undefined
  /** Milliseconds for one call to the backend. Default 3,000; more than 0. */
  readonly requestTimeout?: number | undefined
  /** Renew every third of the ttl until released. Default true; false: the lease runs out unless you renew it. */
  readonly autoRenew?: boolean | undefined
  /** Milliseconds from the grant after which renewal stops, so that the lease runs out. Default: none. */
  readonly maxHold?: number | undefined
  /** Milliseconds between two looks while waiting. Default: the adapter's own, which is usually right. */
  readonly retryInterval?: number | undefined
  /**
   * Wait in the backend's queue. Default true where it has one. True lets tasks of one process pass the lock on among
   * themselves, within bounds; `'strict'` keeps arrival order even then. False: whoever looks first.
   */
  readonly fair?: boolean | 'strict' | undefined
  /** Text that others see in `inspect` and in timeout messages, at most 1,024 bytes. Default `host:pid`. */
  readonly metadata?: string | undefined
  /** Ends the waiting (only that) with `signal.reason`. */
  readonly signal?: AbortSignal | undefined
}

export interface LockOptions extends AcquireOptions {
  /** Where the lock lives: a backend object, or a URL of a registered scheme. Default: what `configure` set. */
  readonly backend?: LockBackend | string | undefined
  /** Part of the lock's identity: `[A-Za-z0-9._-]*`. Default: what `configure` set; `''`: none. */
  readonly namespace?: string | undefined
}

/** Options with nothing left open, except what is none by default. */
export interface Settings {
  readonly ttl: number
  readonly timeout: number
  readonly requestTimeout: number
  readonly autoRenew: boolean
  readonly maxHold: number
  readonly retryInterval: number | undefined
  /** Undefined: fair if the backend has a queue. */
  readonly fair: boolean | 'strict' | undefined
  readonly metadata: string
  readonly signal: AbortSignal | undefined
}

const MAX_METADATA_BYTES = 1_024

const shown = (value: unknown): string =>
  typeof value === 'string'
    ? JSON.stringify(value)
    : typeof value === 'object' && value !== null
      ? 'an object'
      : String(value)

function checkDuration(name: string, value: unknown, min: 'above 0' | 'from 0', infinite: boolean): void {
  const allowed = `a number of milliseconds ${min}${infinite ? ' or Infinity' : ''}`
  if (typeof value !== 'number') {
    const hint = infinite && (value === null || value === false) ? '; for no limit, use Infinity' : ''
    throw new TypeError(`${name} is ${shown(value)}: it must be ${allowed}${hint}`)
  }
  const low = min === 'from 0' ? value < 0 : value <= 0
  if (Number.isNaN(value) || low || (!infinite && value === Number.POSITIVE_INFINITY)) {
    const hint = infinite && value < 0 ? '; for no limit, use Infinity' : ''
    throw new RangeError(`${name} is ${value}: it must be ${allowed}${hint}`)
  }
}

function checkBoolean(name: string, value: unknown): void {
  if (typeof value !== 'boolean') throw new TypeError(`${name} is ${shown(value)}: it must be true or false`)
}

function checkMetadata(name: string, value: unknown): void {
  if (typeof value !== 'string') throw new TypeError(`${name} is ${shown(value)}: it must be a string`)
  if (!value.isWellFormed()) throw new TypeError(`${name} is ${shown(value)}: it has a lone surrogate`)
  const bytes = Buffer.byteLength(value)
  if (bytes > MAX_METADATA_BYTES)
    throw new RangeError(`${name} has ${bytes} bytes in UTF-8: at most ${MAX_METADATA_BYTES} are allowed`)
}

const ACQUIRE_CHECKS: { readonly [Name in keyof Required<AcquireOptions>]: (name: string, value: unknown) => void } = {
  ttl: (name, value) => checkDuration(name, value, 'above 0', true),
  timeout: (name, value) => checkDuration(name, value, 'from 0', true),
  requestTimeout: (name, value) => checkDuration(name, value, 'above 0', false),
  autoRenew: checkBoolean,
  maxHold: (name, value) => checkDuration(name, value, 'above 0', true),
  retryInterval: (name, value) => checkDuration(name, value, 'above 0', false),
  fair: (name, value) => {
    if (value !== 'strict' && typeof value !== 'boolean')
      throw new TypeError(`${name} is ${shown(value)}: it must be true, false or 'strict'`)
  },
  metadata: checkMetadata,
  signal: (name, value) => {
    if (!(value instanceof AbortSignal)) throw new TypeError(`${name} is ${shown(value)}: it must be an AbortSignal`)
  },
}

const BACKEND_METHODS = ['acquire', 'cancel', 'renew', 'release', 'inspect', 'forceRelease', 'list', 'close'] as const

export function isBackend(value: unknown): value is LockBackend {
  if (typeof value !== 'object' || value === null || !('capabilities' in value)) return false
  return BACKEND_METHODS.every((method) => typeof (value as Record<string, unknown>)[method] === 'function')
}

const LOCK_CHECKS: { readonly [Name in keyof Required<LockOptions>]: (name: string, value: unknown) => void } = {
  ...ACQUIRE_CHECKS,
  backend: (name, value) => {
    if (typeof value !== 'string' && !isBackend(value))
      throw new TypeError(
        `${name} is ${shown(value)}: it must be a backend, such as fileBackend() from @locks/file, or a URL of a registered scheme`,
      )
  },
  namespace: (name, value) => {
    checkNamespace(value, name)
  },
}

const checkFunction = (name: string, value: unknown): void => {
  if (typeof value !== 'function') throw new TypeError(`${name} is ${shown(value)}: it must be a function`)
}

const { timeout: _, ...ENDLESS_CHECKS } = LOCK_CHECKS
const ELECT_CHECKS = { ...ENDLESS_CHECKS, onElected: checkFunction, onError: checkFunction }

function check(options: unknown, checks: Readonly<Record<string, (name: string, value: unknown) => void>>): void {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`options is ${shown(options)}: it must be an object`)
  for (const [name, value] of Object.entries(options)) {
    const checkValue = Object.hasOwn(checks, name) ? checks[name] : undefined
    if (checkValue === undefined)
      throw new TypeError(`option ${JSON.stringify(name)} is unknown: known are ${Object.keys(checks).join(', ')}`)
    if (value !== undefined) checkValue(name, value)
  }
}

/** Throws TypeError or RangeError, naming the option, its value and what is allowed. */
export function checkLockOptions(options: unknown): asserts options is LockOptions {
  check(options, LOCK_CHECKS)
}

/** The same for `elect`, which must be told what to run. */
export function checkElectOptions(options: unknown): void {
  if (typeof options === 'function') throw new TypeError('options is a function: use elect(name, { onElected })')
  check(options, ELECT_CHECKS)
  checkFunction('onElected', (options as { readonly onElected?: unknown }).onElected)
}

export function checkAcquireOptions(options: unknown, method: string): asserts options is AcquireOptions {
  if (typeof options === 'boolean')
    throw new TypeError(`${method}(${options}): it takes options; to try without waiting, use tryAcquire()`)
  if (typeof options === 'number')
    throw new TypeError(
      `${method}(${options}): it takes options; for a timeout, use ${method}({ timeout: ${options} })`,
    )
  if (options instanceof AbortSignal)
    throw new TypeError(`${method}(signal): it takes options; use ${method}({ signal })`)
  check(options, ACQUIRE_CHECKS)
}

/** A ttl given to `renew`. */
export function checkTtl(ttl: unknown): void {
  ACQUIRE_CHECKS.ttl('ttl', ttl)
}

let defaultMetadata: string | undefined

/** Earlier layers win. All have been checked. */
export function settle(...layers: readonly AcquireOptions[]): Settings {
  const pick = <Name extends keyof AcquireOptions>(name: Name): AcquireOptions[Name] => {
    for (const layer of layers) if (layer[name] !== undefined) return layer[name]
    return undefined
  }
  defaultMetadata ??= `${hostname()}:${process.pid}`
  return {
    ttl: pick('ttl') ?? 30_000,
    timeout: pick('timeout') ?? 10_000,
    requestTimeout: Math.ceil(pick('requestTimeout') ?? 3_000),
    autoRenew: pick('autoRenew') ?? true,
    maxHold: pick('maxHold') ?? Number.POSITIVE_INFINITY,
    retryInterval: pick('retryInterval'),
    fair: pick('fair'),
    metadata: pick('metadata') ?? defaultMetadata,
    signal: pick('signal'),
  }
}

/** Without what is undefined, so that it doesn't hide what lies below. */
export const defined = <Options extends object>(options: Options): Options =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Options
