/** What identifies one lock: two locks are the same exactly when both parts are equal. */
export interface LockKey {
  /** Matches `[A-Za-z0-9._-]*`, at most 255 characters; empty: no namespace. */
  readonly namespace: string
  /** Any non-empty well-formed string of at most 1,024 UTF-8 bytes. */
  readonly name: string
  /** `namespace:name`. Unambiguous, because a namespace has no colon. Not safe as a file or key name as it stands. */
  readonly id: string
}

export const MAX_NAME_BYTES = 1_024
const MAX_NAMESPACE = 255
const NAMESPACE = /^[A-Za-z0-9._-]*$/

const shown = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : String(value))

export function checkNamespace(namespace: unknown, argument = 'namespace'): string {
  if (typeof namespace !== 'string') throw new TypeError(`${argument} is ${shown(namespace)}: it must be a string`)
  if (!NAMESPACE.test(namespace))
    throw new TypeError(`${argument} is ${shown(namespace)}: allowed are letters, digits, ".", "_" and "-"`)
  if (namespace.length > MAX_NAMESPACE)
    throw new RangeError(`${argument} has ${namespace.length} characters: at most ${MAX_NAMESPACE} are allowed`)
  return namespace
}

export function checkName(name: unknown, argument = 'name'): string {
  if (typeof name !== 'string') throw new TypeError(`${argument} is ${shown(name)}: it must be a string`)
  if (name === '') throw new TypeError(`${argument} is empty: it must be a non-empty string`)
  if (!name.isWellFormed())
    throw new TypeError(`${argument} is ${shown(name)}: it has a lone surrogate, which no backend can store faithfully`)
  const bytes = Buffer.byteLength(name)
  if (bytes > MAX_NAME_BYTES)
    throw new RangeError(`${argument} has ${bytes} bytes in UTF-8: at most ${MAX_NAME_BYTES} are allowed`)
  return name
}

/** Checks both parts and makes the key. Throws TypeError or RangeError, naming the argument and what is allowed. */
export function lockKey(namespace: string, name: string): LockKey {
  checkNamespace(namespace)
  checkName(name)
  return { namespace, name, id: `${namespace}:${name}` }
}

/** How a key reads in a message: `lock "invoice:42" (namespace "billing")`. */
export function describeKey(key: LockKey): string {
  return `lock ${JSON.stringify(key.name)}${key.namespace === '' ? '' : ` (namespace ${JSON.stringify(key.namespace)})`}`
}
