/**
 * Short immutable texts as files of their own. Where it fits, a text is the target of a symbolic link that points nowhere:
 * that is written and read by one system call each instead of three, and is never seen half-written.
 */
import fs from 'node:fs'
import { codeOf } from './disk.ts'

/** XFS and macOS take targets of up to 1,023 bytes, ext4 and tmpfs about 4,095: lowered by the first one refused. */
let maxLink = 4_000
const SAFE_LINK = 1_000
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'ENAMETOOLONG', 'EINVAL'])
/** Failures to read that say nothing about the text. */
const NOT_READ = new Set(['EACCES', 'EPERM', 'EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'])

/** Writes a new file with an ASCII text that isn't empty. Rejects if it exists; leaves nothing behind if it fails. */
export async function writeText(path: string, text: string): Promise<void> {
  if (text.length <= maxLink) {
    try {
      return await link(text, path)
    } catch (error) {
      if (!NO_LINKS.has(codeOf(error))) throw error
      maxLink = SAFE_LINK
    }
  }
  await writeFile(path, text)
}

function link(text: string, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.symlink(text, path, (error) => (error === null ? resolve() : reject(error)))
  })
}

function writeFile(path: string, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.writeFile(path, text, { flag: 'wx', mode: 0o600 }, (error) => {
      if (error === null) return resolve()
      if (error.code === 'EEXIST' || error.code === 'ENOENT') return reject(error)
      // A full disk leaves an empty or a short file.
      fs.unlink(path, () => reject(error))
    })
  })
}

/** The text, or what is left of it; null if the file is missing or can't be read any more. */
export function readText(path: string): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const settle = (error: NodeJS.ErrnoException, text: string | null): void =>
      NOT_READ.has(error.code ?? '') ? reject(error) : resolve(text)
    fs.readlink(path, (error, target) => {
      if (error === null) return resolve(target)
      if (error.code !== 'EINVAL') return settle(error, null)
      fs.readFile(path, 'utf8', (failure, text) => (failure === null ? resolve(text) : settle(failure, null)))
    })
  })
}
