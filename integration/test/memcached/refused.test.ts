/** What the server refuses to store leaves what is there as it is. */
import { ReadWriteLock } from '@locks/core'
import { expect, test } from 'vitest'
import { backendError } from '../outcomes.ts'
import { memcached, Party } from './harness.ts'

test('a record that grows too large for the server leaves its holders what they have', async () => {
  const server = await memcached({ args: ['-I', '4k', '-o', 'slab_chunk_max=2048'] })
  const [one, other] = [await Party.at(server), await Party.at(server)]
  const { backend } = one
  const read = (): ReadWriteLock['read'] =>
    new ReadWriteLock('a', { backend, metadata: 'x'.repeat(1_000), requestTimeout: 500 }).read
  const readers = [await read().acquire(), await read().acquire(), await read().acquire()]
  await expect(read().tryAcquire()).rejects.toMatchObject(backendError(/too large/))
  expect(await other.lock('a').tryAcquire()).toBeNull()
  for (const reader of readers) {
    reader.assertHeld()
    expect(await reader.release()).toBe(true)
  }
})
