import type { LeaseMode, LockKey } from '@locks/core'

/** From the first key to before the second one. */
export interface KeyRange {
  readonly key: Buffer
  readonly range_end: Buffer
}

/** Where the keys of one lock are: each contender has one of its own, by whose create revisions they are ordered. */
export interface Place {
  readonly folder: string
  /** Everybody who holds or waits, and what was given up. */
  readonly everything: KeyRange
  /** Everybody who holds or waits. */
  readonly all: KeyRange
  readonly writers: KeyRange
  /** Readers and writers. */
  readonly locks: KeyRange
  readonly permits: KeyRange
  /** Writers, and those who want a permit. */
  readonly barsReaders: KeyRange
}

/** What a contender's key tells of it. */
export interface Contender {
  readonly mode: LeaseMode
  readonly permits: number
  readonly owner: string
}

const range = (from: string, to: string): KeyRange => ({ key: Buffer.from(from), range_end: Buffer.from(to) })

/**
 * A name as a part of a key: without slashes, and such that a name's beginning is its key's beginning. A namespace has no
 * colon, so that no two locks share a folder.
 */
const escaped = (name: string): string => name.replace(/[%/]/g, (one) => (one === '%' ? '%25' : '%2F'))
const unescaped = (text: string): string => text.replace(/%2F/g, '/').replace(/%25/g, '%')

export const folderOf = (prefix: string, { namespace, name }: LockKey): string =>
  `${prefix}${namespace}:${escaped(name)}/`

const places = new WeakMap<LockKey, { readonly prefix: string; readonly place: Place }>()

/** Readers are `r…`, writers `w…`, those who want one of N permits `zN.…`; what was given up is `!…`. */
export function placeOf(prefix: string, key: LockKey): Place {
  const known = places.get(key)
  if (known?.prefix === prefix) return known.place
  const folder = folderOf(prefix, key)
  const part = (from: string, to: string): KeyRange => range(folder + from, folder + to)
  const place = {
    folder,
    everything: part('!', '{'),
    all: part('r', '{'),
    writers: part('w', 'x'),
    locks: part('r', 'x'),
    permits: part('z', '{'),
    barsReaders: part('w', '{'),
  }
  places.set(key, { prefix, place })
  return place
}

export function contenderKey({ folder }: Place, { mode, permits, owner }: Contender): Buffer {
  const kind = mode === 'shared' ? 'r' : mode === 'exclusive' ? 'w' : `z${permits}.`
  return Buffer.from(`${folder}${kind}${owner}`)
}

export function contenderOf(key: Buffer): Contender {
  const text = key.toString()
  const own = text.slice(text.lastIndexOf('/') + 1)
  if (own.startsWith('r')) return { mode: 'shared', permits: 1, owner: own.slice(1) }
  if (own.startsWith('w')) return { mode: 'exclusive', permits: 1, owner: own.slice(1) }
  const dot = own.indexOf('.')
  return { mode: 'semaphore', permits: Number(own.slice(1, dot)), owner: own.slice(dot + 1) }
}

/** Those whose use of the name excludes this one: no semaphore beside a lock, nor another number of permits. */
export function misfits({ folder, locks, permits }: Place, contender: Contender): readonly KeyRange[] {
  if (contender.mode !== 'semaphore') return [permits]
  const same = `${folder}z${contender.permits}`
  return [locks, range(permits.key.toString(), `${same}.`), range(`${same}/`, permits.range_end.toString())]
}

/** Where it is noted that requests of an owner have no effect any more: one key for each lease that they may name. */
export const graves = ({ folder }: Place, owner: string): KeyRange =>
  range(`${folder}!${owner}.`, `${folder}!${owner}/`)
export const grave = ({ folder }: Place, owner: string, lease: string): Buffer =>
  Buffer.from(`${folder}!${owner}.${lease}`)

/** All keys of a namespace's locks whose names start with `namePrefix`. */
export function listRange(prefix: string, namespace: string, namePrefix: string): KeyRange {
  const start = Buffer.from(`${prefix}${namespace}:${escaped(namePrefix)}`)
  const end = Buffer.from(start)
  // What ends with the highest byte does not occur: UTF-8 has none.
  end[end.length - 1] = (end[end.length - 1] as number) + 1
  return { key: start, range_end: end }
}

/** The name of the lock that a contender's key belongs to; undefined: it is no contender's. */
export function nameOf(key: Buffer, prefix: string, namespace: string): string | undefined {
  const text = key.toString()
  const slash = text.lastIndexOf('/')
  const start = prefix.length + namespace.length + 1
  if (slash < start || text[slash + 1] === '!') return undefined
  return unescaped(text.slice(start, slash))
}
