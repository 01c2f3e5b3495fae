import { type LockBackend, recordBackend } from '@locks/core'
import { examineDirectory } from './examine.ts'
import { FileStore } from './file-store.ts'
import { type FileBackendOptions, settingsFrom } from './options.ts'

export interface FileBackend extends LockBackend {
  /**
   * Makes this process stand for another one too, such as a child that works under its locks: what this backend writes
   * from now on counts as left behind only once both are gone. A hold taken before is covered from its next renewal.
   * Should this process end first, holds that it leaves count until the other one has ended too, whatever their ttl.
   *
   * False: that process has ended already, or processes can't be told apart here. Throws a TypeError for what cannot be a
   * process id.
   */
  standFor(pid: number): boolean
}

/**
 * Locks between the processes of this host, kept in a directory: a path, a `file:` URL, or options. Default: one
 * directory per user, see `defaultDirectory`. Touches no disk until first use.
 *
 * Throws a TypeError for an unknown option or a URL that it does not understand.
 */
export function fileBackend(options?: string | URL | FileBackendOptions): FileBackend {
  const { directory, networkFileSystem } = settingsFrom(options)
  const store = new FileStore(directory, networkFileSystem)
  return Object.assign(recordBackend(store), {
    standFor(pid: number): boolean {
      if (!Number.isSafeInteger(pid) || pid < 1) throw new TypeError(`pid is ${pid}: it must be a process id`)
      return store.presence?.standFor(pid) ?? false
    },
    examine: () => examineDirectory(directory, networkFileSystem),
  })
}
