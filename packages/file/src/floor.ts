import { codeOf, list, unlinkLater } from './disk.ts'
import { writeText } from './texts.ts'

const VALUE = /^[0-9a-f]{1,32}$/

function values(names: readonly string[]): bigint[] {
  return names.filter((name) => VALUE.test(name)).map((name) => BigInt(`0x${name}`))
}

function highest(floors: readonly bigint[]): bigint {
  let high = 0n
  for (const floor of floors) if (floor > high) high = floor
  return high
}

/** The store-wide floor for fencing tokens: the highest of the values that name the files of a directory. */
export async function readFloor(directory: string): Promise<bigint> {
  return highest(values((await list(directory)) ?? []))
}

/**
 * Raises the floor to at least `fence`, and in any case: whoever found a lock without a record before it was made and
 * removed can tell by the floor. It never goes down, whoever else raises it: a value is only taken away after a higher one
 * was seen beside it.
 */
export async function raiseFloor(directory: string, fence: bigint): Promise<void> {
  const before = values((await list(directory)) ?? [])
  const floor = highest(before)
  const name = (fence > floor ? fence : floor + 1n).toString(16)
  // If it is there already, another one has just raised the floor from the same value.
  await writeText(`${directory}/${name}`, name).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error
  })
  // The last one stays for the next raiser to remove: no listing can miss both it and the new one.
  for (const lower of before) if (lower < floor) unlinkLater(`${directory}/${lower.toString(16)}`)
}
