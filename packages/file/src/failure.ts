import { LockBackendError, LockError, type LockKey } from '@locks/core'
import { codeOf } from './disk.ts'

const MEANINGS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied: this process needs to read, write and enter the directory',
  EPERM: 'not permitted: this process needs to read, write and enter the directory',
  EROFS: 'the file system is mounted read-only',
  ENOSPC: 'no space or no inodes left on the file system (the lock is as it was)',
  EDQUOT: 'the disk quota is used up (the lock is as it was)',
  EMFILE: 'this process has too many files open (ulimit -n)',
  ENFILE: 'the system has too many files open',
  ENOTDIR: 'a file stands where a directory is needed',
  ENAMETOOLONG: 'the file system takes no file names of 255 bytes',
  EMLINK: 'the file system takes no more directories in this one',
  ELOOP: 'too many symbolic links on the way',
  EIO: 'the disk reports an input/output error',
  ESTALE: 'the network file system has lost the directory',
}

/**
 * The error without its paths: a path of this store can carry a holder's secret, which must not get into a log.
 */
function withoutPaths(error: unknown): unknown {
  const code = codeOf(error)
  if (code === '' || !(error instanceof Error)) return error
  const syscall = 'syscall' in error ? String(error.syscall) : 'system call'
  return Object.assign(new Error(`${syscall}: ${code}`), { code, syscall })
}

const describe = ({ name, namespace }: LockKey): string =>
  `lock ${JSON.stringify(name)}${namespace === '' ? '' : ` (namespace ${JSON.stringify(namespace)})`}`

/** What an unexpected failure is for who has to mend it. Final: doing the same again at once would not help. */
export function failure(directory: string, key: LockKey | undefined, action: string, error: unknown): Error {
  if (error instanceof LockError) return error
  const code = codeOf(error)
  if (code === '') return error instanceof Error ? error : new Error(String(error))
  const subject = key === undefined ? `file ${directory}` : `${describe(key)} on file ${directory}`
  const meaning = MEANINGS[code]
  return new LockBackendError(
    `${subject}: cannot ${action}: ${meaning === undefined ? code : `${meaning} (${code})`}`,
    {
      key,
      cause: withoutPaths(error),
    },
  )
}
