/** How a lock's directory comes into being and goes. Between the two, only its pointer's name changes. */
import { createHash } from 'node:crypto'
import { LockBackendError, type LockKey, type RecordWrite } from '@locks/core'
import type { StoreDirectory } from './directory.ts'
import { codeOf, list, makeDirectory, place, removeDirectory, rename, unlink, unlinkLater } from './disk.ts'
import { raiseFloor, readFloor } from './floor.ts'
import { look, writeMore } from './key-directory.ts'
import { labelOf } from './key-names.ts'
import { graveOf, newSeries, type Pointer, pointerAfter, randomHex } from './pointer.ts'
import { writeText } from './texts.ts'

/** Marks the nursery's directories of one lock. */
const markOf = (name: string): string => createHash('sha256').update(name).digest('hex').slice(0, 16)

/**
 * Makes the directory of a lock that has none: filled in the nursery, then put in place by one rename, which fails if
 * somebody else was first. Null if so, or if `floor` (the store's floor when the lock was found to have no record) has
 * risen since: then the lock may have come and gone in between, and tokens must go on above it.
 */
export async function createRecord(
  store: StoreDirectory,
  name: string,
  key: LockKey,
  record: RecordWrite,
  floor: bigint | undefined,
): Promise<Pointer | null> {
  const target = `${store.path}/${name}`
  const nest = `${store.nursery}/${markOf(name)}.${randomHex()}`
  const pointer = pointerAfter(newSeries(), record)
  if (!(await makeDirectory(nest))) {
    await store.prepare()
    if (!(await makeDirectory(nest))) throw new LockBackendError(`the directory ${store.path} vanishes again and again`)
  }
  let placed = false
  try {
    // Both look at the other's mark: a removal raises the floor and then clears the nursery; this fills the nursery and
    // then reads the floor. Whichever came second sees the first, however long either was stopped in between.
    const [, , now] = await Promise.all([
      writeText(`${nest}/${pointer.name}`, labelOf(key)),
      writeMore(nest, pointer, record.value),
      readFloor(store.floor),
    ])
    if (floor !== undefined && now !== floor) return null
    placed = await putInPlace(store, nest, target)
  } catch (error) {
    // Cleared out of the nursery by a removal.
    if (codeOf(error) !== 'ENOENT') throw error
  } finally {
    if (!placed) clear(nest, pointer)
  }
  return placed ? pointer : null
}

/** False if the lock has a record, or the nest was cleared away: then what was read before is not true any more. */
async function putInPlace(store: StoreDirectory, nest: string, target: string): Promise<boolean> {
  const outcome = await place(nest, target)
  if (outcome !== 'occupied') return outcome === 'placed'
  const listing = await look(target)
  if (listing === null || listing.pointer !== undefined) return false
  if (listing.foreign.length > 0)
    throw new LockBackendError(
      `the directory ${target} has no lock's record but other files (${listing.foreign.slice(0, 3).join(', ')}): remove it if no process uses this lock`,
    )
  // Takes this nest along too: the floor that it rests on may be older than the removal.
  await finishRemoval(store, target)
  return false
}

function clear(nest: string, pointer: Pointer): void {
  if (pointer.more !== null) unlinkLater(`${nest}/${pointer.more.file}`)
  // What stays behind after a failure here is found by housekeeping.
  unlink(`${nest}/${pointer.name}`)
    .then(() => removeDirectory(nest))
    .catch(() => undefined)
}

/**
 * Removes a lock's record if `pointer` is still the current one, and then its directory. The floor is raised first, so
 * that the tokens of a later directory go on above; the grave marks the series as ended until everything is gone.
 */
export async function removeRecord(
  store: StoreDirectory,
  name: string,
  pointer: Pointer,
  fence: bigint,
): Promise<boolean> {
  const target = `${store.path}/${name}`
  const listing = await look(target)
  if (listing === null || listing.pointer?.name !== pointer.name) return false
  // A directory that could not be removed had better keep its record; and a copy of an old pointer must not become it.
  if (listing.foreign.length > 0 || listing.pointers > 1) return false
  await raiseFloor(store.floor, fence).catch(async (error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error
    await store.prepare()
    await raiseFloor(store.floor, fence)
  })
  if (!(await rename(`${target}/${pointer.name}`, `${target}/${graveOf(pointer)}`))) return false
  await finishRemoval(store, target).catch(() => undefined)
  return true
}

/**
 * Clears what an ended series left behind. Anybody may help, however late: the files are removed by the very names that
 * were seen beside a grave, which no later series has, and a directory in use is never empty.
 */
export async function finishRemoval(store: StoreDirectory, target: string): Promise<void> {
  const listing = await look(target)
  if (listing === null || listing.pointer !== undefined) return
  await clearNursery(store, `${markOf(target.slice(store.path.length + 1))}.`)
  await Promise.all(listing.more.map((file) => unlink(`${target}/${file}`)))
  await Promise.all(listing.graves.map((file) => unlink(`${target}/${file}`)))
  await removeDirectory(target)
}

/** Takes directories out of the nursery. Renamed first: one that is half removed must not be put in place. */
export async function clearNursery(store: StoreDirectory, prefix: string): Promise<void> {
  const nests = ((await list(store.nursery)) ?? []).filter((nest) => nest.startsWith(prefix))
  await Promise.all(nests.map((nest) => clearNest(store, nest)))
}

export async function clearNest(store: StoreDirectory, nest: string): Promise<void> {
  const dead = `${store.nursery}/dead.${randomHex()}`
  if ((await place(`${store.nursery}/${nest}`, dead)) !== 'placed') return
  for (const file of (await list(dead)) ?? []) await unlink(`${dead}/${file}`)
  await removeDirectory(dead)
}
