import fs from 'node:fs'
import { basename } from 'node:path'
import { type Pointer, parsePointer } from './pointer.ts'

/** Milliseconds for which a watcher that nobody needs is kept: the next waiter often comes soon. */
const LINGER = 2_000

interface Watched {
  watcher: fs.FSWatcher | undefined
  readonly listeners: Set<() => void>
  linger: NodeJS.Timeout | undefined
  /** The newest pointer that was heard of or written: of a rename, the old name is reported as well. */
  newest: Pointer | undefined
}

/**
 * Change notices for the directories of locks, one kernel watch each. They only wake: where the kernel refuses one (there
 * are limits), or events get lost, polling finds the change.
 */
export class Watchers {
  readonly #watched = new Map<string, Watched>()

  watch(directory: string, changed: () => void): () => void {
    const watched = this.#watched.get(directory) ?? this.#add(directory)
    clearTimeout(watched.linger)
    watched.listeners.add(changed)
    if (watched.watcher === undefined) this.#start(directory, watched)
    return () => {
      watched.listeners.delete(changed)
      if (watched.listeners.size > 0 || this.#watched.get(directory) !== watched) return
      clearTimeout(watched.linger)
      watched.linger = setTimeout(() => this.#remove(directory, watched), LINGER).unref()
    }
  }

  /** Its own writes are no news to this process. Also the moment to watch a directory that has just been made. */
  wrote(directory: string, pointer: Pointer): void {
    const watched = this.#watched.get(directory)
    if (watched === undefined) return
    watched.newest = pointer
    if (watched.watcher === undefined && watched.listeners.size > 0) this.#start(directory, watched)
  }

  close(): void {
    for (const [directory, watched] of this.#watched) this.#remove(directory, watched)
  }

  #add(directory: string): Watched {
    const watched: Watched = { watcher: undefined, listeners: new Set(), linger: undefined, newest: undefined }
    this.#watched.set(directory, watched)
    return watched
  }

  #remove(directory: string, watched: Watched): void {
    clearTimeout(watched.linger)
    stop(watched)
    if (this.#watched.get(directory) === watched) this.#watched.delete(directory)
  }

  #start(directory: string, watched: Watched): void {
    try {
      const watcher = fs.watch(directory, { persistent: false }, (_event, file) => notice(directory, watched, file))
      watcher.on('error', () => stop(watched))
      watched.watcher = watcher
    } catch {
      // No such directory, or no watch to be had: polling goes on.
    }
  }
}

function stop(watched: Watched): void {
  watched.watcher?.close()
  watched.watcher = undefined
}

function notice(directory: string, watched: Watched, file: string | null): void {
  if (file !== null && file !== basename(directory)) {
    const pointer = parsePointer(file)
    if (pointer === undefined || (pointer.series === watched.newest?.series && pointer.count <= watched.newest.count))
      return
    watched.newest = pointer
  } else if (file !== null) stop(watched) // The directory itself is gone; a new one needs a new watch.
  for (const changed of [...watched.listeners]) changed()
}
