import type { LockKey } from '@locks/core'

const known = new WeakMap<LockKey, { readonly prefix: string; readonly main: string }>()

/**
 * The first key of a lock, from which the others are derived: see `scripts/prelude.ts`. All are in one hash slot, by the
 * braces: whatever the names, what stands before the first closing brace is the same for all keys of one lock. The first key
 * ends with a brace and the others don't, so that none is another lock's.
 */
export function mainKey(prefix: string, key: LockKey): string {
  const cached = known.get(key)
  if (cached?.prefix === prefix) return cached.main
  const main = `${prefix}{${key.id}}`
  known.set(key, { prefix, main })
  return main
}

/**
 * The keys that a script is told of. A Cluster has to hear all: while it moves a slot, it must not run a script where only
 * some of them are. A single server needs but the first: each one takes time.
 */
export const toldOf = (main: string, single: boolean): readonly string[] =>
  single ? [main] : [main, `${main}:q`, `${main}:h`, `${main}:t`, `${main}:m`]

/** What the main keys of a namespace look like whose names start with `prefix`, as a glob for SCAN. */
export function pattern(prefix: string, namespace: string, namePrefix: string): string {
  return `${`${prefix}{${namespace}:${namePrefix}`.replace(/[*?[\]\\^-]/g, '\\$&')}*}`
}

/** The name that a main key is for, given what stands before it. */
export function nameOf(main: string, prefix: string, namespace: string): string {
  return main.slice(`${prefix}{${namespace}:`.length, -1)
}
