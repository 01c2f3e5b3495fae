import type { LockKey } from '@locks/core'
import { look } from './key-directory.ts'
import { isHashed, keyOfLabel, keyOfName } from './key-names.ts'
import { readText } from './texts.ts'

const WIDTH = 16

/** The lock of a directory; undefined if it is none of ours, or has no record any more. */
export async function keyOfDirectory(store: string, directory: string): Promise<LockKey | undefined> {
  if (!isHashed(directory)) return keyOfName(directory)
  const pointer = (await look(`${store}/${directory}`))?.pointer
  if (pointer === undefined) return undefined
  const label = await readText(`${store}/${directory}/${pointer.name}`)
  return label === null ? undefined : keyOfLabel(label, directory)
}

/** Names of locks of one namespace, among the directories of a store. */
export async function namesIn(
  store: string,
  directories: readonly string[],
  namespace: string,
  prefix: string,
): Promise<string[]> {
  const names: string[] = []
  for (let start = 0; start < directories.length; start += WIDTH) {
    const some = directories.slice(start, start + WIDTH)
    for (const key of await Promise.all(some.map((directory) => keyOfDirectory(store, directory))))
      if (key?.namespace === namespace && key.name.startsWith(prefix)) names.push(key.name)
  }
  return names
}
