import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** Longest file name, in bytes, on the file systems in use. */
const MAX_NAME = 255

/**
 * The one file of a lock's directory whose *name* is the lock's record:
 *
 *     <count>.<series>=<text>                          the record itself
 *     <count>.<series>~<nonce>.<checksum>=<essence>    the record is in the file `more.<nonce>`
 *
 * `series` is random and drawn when the directory is made; `count` goes up by one with each change. So a name never comes
 * back, and a rename that a stalled process had under way can't hit anything later.
 */
export interface Pointer {
  readonly name: string
  /** Changes in this series so far. */
  readonly count: number
  readonly series: string
  /** The record's text, or its essence. */
  readonly text: string
  /** The file that has the whole text; null: the name has it. */
  readonly more: { readonly file: string; readonly checksum: string } | null
}

const POINTER = /^([0-9a-z]{1,10})\.([0-9a-f]{12})(?:~([0-9a-f]{12})\.([0-9a-f]{8}))?=([\s\S]*)$/
const GRAVE = /^[0-9a-z]{1,10}\.[0-9a-f]{12}\.gone$/
const MORE = /^more\.[0-9a-f]{12}$/

export const randomHex = (): string => randomBytes(6).toString('hex')

const checksumOf = (text: string): string => crc32(text).toString(16).padStart(8, '0')

/** Before the first change of a new directory. */
export const newSeries = (): Pick<Pointer, 'count' | 'series'> => ({ count: 0, series: randomHex() })

/** The pointer for a new record; one with `more` set needs the text to be written to that file first. */
export function pointerAfter(
  { count, series }: Pick<Pointer, 'count' | 'series'>,
  record: { readonly value: string; essence(): string },
): Pointer {
  const version = `${(count + 1).toString(36)}.${series}`
  const name = `${version}=${record.value}`
  if (name.length <= MAX_NAME) return { name, count: count + 1, series, text: record.value, more: null }
  const nonce = randomHex()
  const checksum = checksumOf(record.value)
  const essence = record.essence()
  return {
    name: `${version}~${nonce}.${checksum}=${essence}`,
    count: count + 1,
    series,
    text: essence,
    more: { file: `more.${nonce}`, checksum },
  }
}

export function parsePointer(name: string): Pointer | undefined {
  const parts = POINTER.exec(name)
  if (parts === null) return undefined
  const [, count = '', series = '', nonce, checksum = '', text = ''] = parts
  return {
    name,
    count: Number.parseInt(count, 36),
    series,
    text,
    more: nonce === undefined ? null : { file: `more.${nonce}`, checksum },
  }
}

/** Whether this is the whole text that the pointer was made for. */
export const isWhole = (text: string, checksum: string): boolean => checksumOf(text) === checksum

/** What a pointer is renamed to when its lock is removed: the directory's series has ended for good. */
export const graveOf = ({ count, series }: Pointer): string => `${(count + 1).toString(36)}.${series}.gone`

/** All that one listing of a lock's directory tells. */
export interface Listing {
  /** The current pointer. */
  readonly pointer: Pointer | undefined
  /** How many pointers were seen: other than one if a rename came between, or somebody copied files. */
  readonly pointers: number
  /** Left by a removal that isn't complete. */
  readonly graves: readonly string[]
  /** Files with long records: the current one, and those left behind. */
  readonly more: readonly string[]
  /** Files that are none of ours. */
  readonly foreign: readonly string[]
}

export function sort(names: readonly string[]): Listing {
  let pointer: Pointer | undefined
  let pointers = 0
  const graves: string[] = []
  const more: string[] = []
  const foreign: string[] = []
  for (const name of names) {
    const parsed = parsePointer(name)
    if (parsed !== undefined) {
      pointers += 1
      if (pointer === undefined || parsed.count > pointer.count) pointer = parsed
    } else if (GRAVE.test(name)) graves.push(name)
    else if (MORE.test(name)) more.push(name)
    else foreign.push(name)
  }
  return { pointer, pointers, graves, more, foreign }
}
