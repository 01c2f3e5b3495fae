import { createHash } from 'node:crypto'
import { type LockKey, lockKey } from '@locks/core'

/** Room for a few characters more in file systems and tools that count a path's length. */
const MAX_READABLE = 200
const SLUG_LENGTH = 60
const SHA256_HEX = 64

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/**
 * Lower case only, so that two names differ on file systems that fold case, and ASCII only, so that they differ on those
 * that normalise Unicode. Everything but `a-z0-9._-` becomes `%` and two lower-case hex digits per UTF-8 byte.
 */
function encode(text: string): string {
  let encoded = ''
  for (const byte of encoder.encode(text)) {
    const character = String.fromCharCode(byte)
    encoded += /[a-z0-9._-]/.test(character) ? character : `%${byte.toString(16).padStart(2, '0')}`
  }
  return encoded
}

/** Undefined for what `encode` could not have made. */
function decode(encoded: string): string | undefined {
  const bytes: number[] = []
  for (const [part] of encoded.matchAll(/%[0-9a-f]{2}|[\s\S]/g))
    bytes.push(part.length === 3 ? Number.parseInt(part.slice(1), 16) : part.charCodeAt(0))
  try {
    const text = decoder.decode(Uint8Array.from(bytes))
    return encode(text) === encoded ? text : undefined
  } catch {
    return undefined
  }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

const known = new WeakMap<LockKey, string>()

/**
 * The name of a lock's directory: `namespace@name`, both encoded, or `slug~sha256` where that is too long. Never the same
 * for two locks, never one of the store's own names (those start with a dot and have no `@` or `~`).
 */
export function directoryName(key: LockKey): string {
  const before = known.get(key)
  if (before !== undefined) return before
  const readable = `${encode(key.namespace)}@${encode(key.name)}`
  const name =
    readable.length <= MAX_READABLE
      ? readable
      : `${readable.slice(0, SLUG_LENGTH).replace(/%[0-9a-f]?$/, '')}~${sha256(key.id)}`
  known.set(key, name)
  return name
}

/** The lock of a directory whose name tells; undefined if it is a hashed name, or none of ours. */
export function keyOfName(directory: string): LockKey | undefined {
  const at = directory.indexOf('@')
  if (at < 0 || directory.length > MAX_READABLE) return undefined
  return makeKey(decode(directory.slice(0, at)), decode(directory.slice(at + 1)))
}

export const isHashed = (directory: string): boolean => directory.at(-SHA256_HEX - 1) === '~'

/** What is stored with a lock, so that its name can be told even where its directory's name is a hash. */
export const labelOf = (key: LockKey): string => `${key.namespace}:${encodeURIComponent(key.name)}`

/** The lock that a label names; undefined if it isn't the lock of this directory. */
export function keyOfLabel(label: string, directory: string): LockKey | undefined {
  const colon = label.indexOf(':')
  if (colon < 0) return undefined
  try {
    const key = makeKey(label.slice(0, colon), decodeURIComponent(label.slice(colon + 1)))
    return key !== undefined && directoryName(key) === directory ? key : undefined
  } catch {
    return undefined
  }
}

function makeKey(namespace: string | undefined, name: string | undefined): LockKey | undefined {
  if (namespace === undefined || name === undefined) return undefined
  try {
    return lockKey(namespace, name)
  } catch {
    return undefined
  }
}
