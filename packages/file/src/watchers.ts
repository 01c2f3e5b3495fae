import fs from 'node:fs'
import { basename } from 'node:path'
import { type Pointer, parsePointer } from './pointer.ts'

/** Milliseconds for which a watcher that nobody needs is kept: the next waiter often comes soon. */
const LINGER = 2_000

interface Watched {
  watcher: fs.FSWatcher | undefined
  readonly listeners: Set<() => void>
  linger: NodeJS.Timeout | undefined
  /** The newest pointer that was heard of: of a rename, the old name is reported as well. */
  newest: Pointer | undefined
  /** The name that this process gave or is about to give: no news to it. */
  own: string
  /** The directory was removed while it was watched; somebody may have made it anew. */
  vanished: boolean
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

  /**
   * Whether a later pointer has been heard of: then a rename of this one would fail. Said once only; who reads the same
   * pointer again is right.
   */
  isPast(directory: string, pointer: Pointer): boolean {
    const watched = this.#watched.get(directory)
    if (watched?.newest?.series !== pointer.series || watched.newest.count <= pointer.count) return false
    watched.newest = undefined
    return true
  }

  /** This process is about to change a record: before the rename, because the notice can overtake its return. */
  writing(directory: string, from: Pointer, to: Pointer): void {
    const watched = this.#watched.get(directory)
    if (watched === undefined) return
    watched.own = to.name
    if (watched.vanished && watched.listeners.size > 0) this.#start(directory, watched)
    if (isNewer(from, watched.newest)) watched.newest = from
  }

  /** This process has made the directory of a lock: the moment to watch it, if somebody waits already. */
  made(directory: string, pointer: Pointer): void {
    const watched = this.#watched.get(directory)
    if (watched === undefined || watched.listeners.size === 0) return
    watched.newest = pointer
    stop(watched)
    this.#start(directory, watched)
  }

  close(): void {
    for (const [directory, watched] of this.#watched) this.#remove(directory, watched)
  }

  #add(directory: string): Watched {
    const listeners = new Set<() => void>()
    const watched: Watched = {
      watcher: undefined,
      listeners,
      linger: undefined,
      newest: undefined,
      own: '',
      vanished: false,
    }
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
      watched.vanished = false
    } catch {
      // No such directory, or no watch to be had: polling goes on.
    }
  }
}

function stop(watched: Watched): void {
  watched.watcher?.close()
  watched.watcher = undefined
}

const isNewer = (pointer: Pointer, than: Pointer | undefined): boolean =>
  pointer.series !== than?.series || pointer.count > than.count

function notice(directory: string, watched: Watched, file: string | null): void {
  if (file !== null && file !== basename(directory)) {
    const pointer = parsePointer(file)
    if (pointer === undefined || !isNewer(pointer, watched.newest)) return
    watched.newest = pointer
    if (file === watched.own) return
  } else if (file !== null) {
    // The directory itself is gone; a new one needs a new watch.
    stop(watched)
    watched.vanished = true
  }
  for (const changed of [...watched.listeners]) changed()
}
