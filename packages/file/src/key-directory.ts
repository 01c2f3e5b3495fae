import { codeOf, list, rename, unlinkLater } from './disk.ts'
import { isWhole, type Listing, type Pointer, sort } from './pointer.ts'
import { readText, writeText } from './texts.ts'

/** How often a directory is listed again if a rename seems to have come between. */
const MAX_LISTINGS = 4

/** What is in a lock's directory; null if there is no such directory. */
export async function look(directory: string): Promise<Listing | null> {
  for (let listings = 1; ; listings += 1) {
    const names = await list(directory)
    if (names === null) return null
    const listing = sort(names)
    // Exactly one pointer, or a removal under way: anything else is a listing that a rename may have come between.
    if (listing.pointers === 1 || (listing.pointers === 0 && listing.graves.length > 0)) return listing
    if (listings === MAX_LISTINGS) return listing
  }
}

export interface Current {
  readonly pointer: Pointer
  readonly value: string
}

/** The record as it is now; null if there is none. */
export async function readRecord(directory: string): Promise<Current | null> {
  let missing = ''
  for (;;) {
    const pointer = (await look(directory))?.pointer
    if (pointer === undefined) return null
    if (pointer.more === null) return { pointer, value: pointer.text }
    // The same pointer as before: it was current all the time, so its text is lost, not replaced.
    if (pointer.name === missing) return { pointer, value: pointer.text }
    const text = await readText(`${directory}/${pointer.more.file}`)
    if (text !== null && isWhole(text, pointer.more.checksum)) return { pointer, value: text }
    missing = pointer.name
  }
}

/** Changes the record from one pointer to the next, if `from` is still the current one; false if it isn't. */
export async function replaceRecord(
  directory: string,
  from: Pointer,
  pointer: Pointer,
  value: string,
): Promise<boolean> {
  if (pointer.more !== null && !(await writeMore(directory, pointer, value))) return false
  let moved = false
  try {
    moved = await rename(`${directory}/${from.name}`, `${directory}/${pointer.name}`)
  } finally {
    if (!moved && pointer.more !== null) unlinkLater(`${directory}/${pointer.more.file}`)
  }
  if (moved && from.more !== null) unlinkLater(`${directory}/${from.more.file}`)
  return moved
}

/** Writes the text that a pointer's name has no room for; false if the directory is gone. */
export async function writeMore(directory: string, pointer: Pointer, text: string): Promise<boolean> {
  if (pointer.more === null) return true
  try {
    await writeText(`${directory}/${pointer.more.file}`, text)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}
