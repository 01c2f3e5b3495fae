import { mkdirSync, readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { raiseFloor, readFloor } from '../src/floor.ts'
import { freshDirectory, until } from './support.ts'

test('the floor is 0 where none was ever raised', async () => {
  expect(await readFloor(freshDirectory())).toBe(0n)
})

test('the floor never goes down while many raise it', async () => {
  const directory = freshDirectory()
  mkdirSync(directory)
  let seen = 0n
  let acknowledged = 0n
  let raising = 8
  const raiser = async (offset: bigint): Promise<void> => {
    for (let round = 0n; round < 200n; round += 1n) {
      const fence = ((round * 37n + offset * 11n) % 200n) * 8n + offset
      await raiseFloor(directory, fence)
      if (fence > acknowledged) acknowledged = fence
    }
    raising -= 1
  }
  const watcher = async (): Promise<void> => {
    while (raising > 0) {
      const least = acknowledged > seen ? acknowledged : seen
      seen = await readFloor(directory)
      expect(seen).toBeGreaterThanOrEqual(least)
    }
  }
  await Promise.all([...Array.from({ length: 8 }, (_, index) => raiser(BigInt(index))), watcher(), watcher()])
  await until('only the last values are left', () => readdirSync(directory).length <= 3)
})

test('other files in its directory mean nothing', async () => {
  const directory = freshDirectory()
  mkdirSync(directory)
  await raiseFloor(directory, 17n)
  for (const name of ['zz', 'FF', '-1', '11.tmp', 'f'.repeat(40)]) mkdirSync(`${directory}/${name}`)
  expect(await readFloor(directory)).toBe(17n)
})
