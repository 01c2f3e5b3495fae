import type { LockKey } from '../../../src/index.ts'
import { type BrokenBackend, Server, server } from './broken-backend.ts'

const any = 'names: any well-formed text is a name, and different ones are different locks'
const similar = 'names: names that differ in case or in Unicode normalization only are different locks'

/** A server that stores a lock under an address of its own making. */
const stored = (flaw: string, caughtBy: string, under: (key: LockKey) => string): BrokenBackend =>
  server(
    flaw,
    caughtBy,
    class extends Server {
      protected override address(key: LockKey): string {
        return under(key)
      }
    },
  )

export const names: readonly BrokenBackend[] = [
  stored('names that differ in case only are one', similar, ({ id }) => id.toLowerCase()),
  stored('names that differ in Unicode normalization only are one', similar, ({ id }) => id.normalize('NFC')),
  stored('names that differ in trailing spaces only are one', any, ({ id }) => id.replace(/ +$/, '')),
  stored('what is no letter or digit in a name becomes a dash', any, ({ id }) => id.replace(/[^\p{L}\p{N}]/gu, '-')),
  stored(
    'names are cut off after 255 characters',
    'names: names of up to 1,024 bytes work, and differ in every byte',
    ({ id }) => id.slice(0, 255),
  ),
  stored(
    'namespace and name are run together',
    'names: two pairs of namespace and name never collide',
    ({ namespace, name }) => (namespace === '' ? name : `${namespace}:${name}`),
  ),
  stored('namespaces are not told apart', 'names: two pairs of namespace and name never collide', ({ name }) => name),
]
