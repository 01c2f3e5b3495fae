/**
 * The system calls of the store, as promises. Made by hand over the callback API: `fs/promises` takes about twice the time
 * for such short calls. Outcomes that the algorithms expect are values; every other failure rejects.
 */
import fs from 'node:fs'

export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

/** Names in a directory; null if there is no such directory. */
export function list(path: string): Promise<string[] | null> {
  return new Promise((resolve, reject) => {
    fs.readdir(path, (error, names) => {
      if (error === null) resolve(names)
      else if (error.code === 'ENOENT') resolve(null)
      else reject(error)
    })
  })
}

/** Renames a file; false if there is no such file (any more). */
export function rename(from: string, to: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    fs.rename(from, to, (error) => {
      if (error === null) resolve(true)
      else if (error.code === 'ENOENT') resolve(false)
      else reject(error)
    })
  })
}

/** Puts a directory in place of nothing, or of an empty directory. */
export function place(from: string, to: string): Promise<'placed' | 'occupied' | 'missing'> {
  return new Promise((resolve, reject) => {
    fs.rename(from, to, (error) => {
      if (error === null) resolve('placed')
      else if (error.code === 'ENOTEMPTY' || error.code === 'EEXIST') resolve('occupied')
      else if (error.code === 'ENOENT') resolve('missing')
      else reject(error)
    })
  })
}

/** Removes a file; false if there is none. */
export function unlink(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    fs.unlink(path, (error) => {
      if (error === null) resolve(true)
      else if (error.code === 'ENOENT') resolve(false)
      else reject(error)
    })
  })
}

/** Makes a directory that only its owner can enter; false if the folder that it should be in is missing. */
export function makeDirectory(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    fs.mkdir(path, { mode: 0o700 }, (error) => {
      if (error === null) resolve(true)
      else if (error.code === 'ENOENT') resolve(false)
      else reject(error)
    })
  })
}

/** Removes a directory if it is empty; false if it isn't, or isn't there. */
export function removeDirectory(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    fs.rmdir(path, (error) => {
      if (error === null) resolve(true)
      else if (error.code === 'ENOENT' || error.code === 'ENOTEMPTY' || error.code === 'EEXIST') resolve(false)
      else reject(error)
    })
  })
}

/** When a file or directory was changed last, in milliseconds of the wall clock; null if it is missing. */
export function changedAt(path: string): Promise<number | null> {
  return new Promise((resolve, reject) => {
    fs.lstat(path, (error, stats) => {
      if (error === null) resolve(stats.mtimeMs)
      else if (error.code === 'ENOENT') resolve(null)
      else reject(error)
    })
  })
}

let unlinking = 0
let waiting: (() => void)[] = []

/** Removes a file in the background and never fails: what is left behind is found by housekeeping. */
export function unlinkLater(path: string): void {
  unlinking += 1
  fs.unlink(path, () => {
    unlinking -= 1
    if (unlinking > 0) return
    for (const done of waiting) done()
    waiting = []
  })
}

/** Resolves once nothing of the above is under way, but after `limit` milliseconds in any case. */
export function unlinked(limit: number): Promise<void> {
  if (unlinking === 0) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, limit).unref()
    waiting.push(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
