import { type LockBackend, recordBackend } from '@locks/core'
import { sqliteStore } from './sqlite-store.ts'

/**
 * Locks between the processes of one host that use the same database file. It must lie on a local disk, and contains the
 * holders' secrets: keep it where only its users can read it.
 *
 * Nothing is opened before the first use, which makes the file if there is none; its folder must exist. What goes wrong
 * with it, then or later, rejects with `LOCK_BACKEND`.
 *
 * @param path of the database: a file that nothing else is stored in. A relative one counts from the current folder.
 */
export function sqliteBackend(path: string): LockBackend {
  return recordBackend(sqliteStore(path))
}
