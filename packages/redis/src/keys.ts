import type { LockKey } from '@locks/core'

/** The keys of one lock: the hash, the waiters, the shared holders, the cancelled tokens. See `scripts/prelude.ts`. */
export type Keys = readonly [main: string, queue: string, holders: string, tombs: string]

const known = new WeakMap<LockKey, { readonly prefix: string; readonly keys: Keys }>()

/**
 * All in one hash slot, by the braces. A main key ends with a brace and the others don't, so that none is another lock's,
 * whatever the names: everything up to the first closing brace is the same for one lock's keys.
 */
export function keysOf(prefix: string, key: LockKey): Keys {
  const cached = known.get(key)
  if (cached?.prefix === prefix) return cached.keys
  const keys = keysOfMain(`${prefix}{${key.id}}`)
  known.set(key, { prefix, keys })
  return keys
}

export const keysOfMain = (main: string): Keys => [main, `${main}:q`, `${main}:h`, `${main}:t`]

/** What the main keys of a namespace look like whose names start with `prefix`, as a glob for SCAN. */
export function pattern(prefix: string, namespace: string, namePrefix: string): string {
  return `${`${prefix}{${namespace}:${namePrefix}`.replace(/[*?[\]\\^-]/g, '\\$&')}*}`
}

/** The name that a main key is for, given what stands before it. */
export function nameOf(main: string, prefix: string, namespace: string): string {
  return main.slice(`${prefix}{${namespace}:`.length, -1)
}
