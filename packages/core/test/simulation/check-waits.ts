import type { Root, Scene } from './ledger.ts'
import type { Process } from './process.ts'

/** Milliseconds after which who waits for a lock within its own process has the backend asked. */
const LOCAL_WAIT = 10

interface Group {
  readonly process: Process
  readonly key: string
  readonly waits: Set<Wait>
}

/** Somebody waits. */
export interface Wait {
  end(): void
}

/**
 * Promises 5, 7 and 11: as long as somebody of a process waits, the backend is asked; as soon as nobody does, what was asked
 * for is taken back.
 */
export class Waits {
  readonly #scene: Scene
  readonly #groups = new Map<string, Group>()
  readonly #left = new Set<Group>()

  constructor(scene: Scene) {
    this.#scene = scene
  }

  /** Whether anybody waits. */
  get some(): boolean {
    for (const { waits } of this.#groups.values()) if (waits.size > 0) return true
    return false
  }

  begin(process: Process, key: string): Wait {
    const id = `${process.name} ${key}`
    const group = this.#groups.get(id) ?? { process, key, waits: new Set() }
    this.#groups.set(id, group)
    const wait: Wait = {
      end: () => {
        if (group.waits.delete(wait) && group.waits.size === 0) this.#left.add(group)
      },
    }
    group.waits.add(wait)
    const { world } = this.#scene
    const began = world.now
    const patience = LOCAL_WAIT * 1.01 + 2 + 2 * process.temper.late
    world.after(patience, () => {
      const steady = process.running && process.resumedAt < began
      if (group.waits.has(wait) && steady && !this.#isServed(group, began))
        world.fail('queue', `${process.name} waits for ${key} since ${began}, and does not ask for it`)
    })
    return wait
  }

  /** Between two events: who has left must be on the way out. */
  check(): void {
    const { ledger, world } = this.#scene
    for (const { process, key, waits } of this.#left) {
      if (waits.size > 0 || !process.alive) continue
      for (const root of ledger.roots.values())
        if (isAsked(root, process, key, world.now) && root.excuse === undefined)
          world.fail('undo', `nobody of ${process.name} waits any more, but ${root.owner} is not taken back`)
    }
    this.#left.clear()
  }

  #isServed({ process, key }: Group, since: number): boolean {
    const { ledger, world } = this.#scene
    for (const root of ledger.roots.values()) if (isAsked(root, process, key, world.now)) return true
    return ledger.entries.some(
      (entry) => entry.process === process && entry.root.key === key && entry.grantedAt >= since,
    )
  }
}

/** It is on its way to a grant. */
const isAsked = (root: Root, process: Process, key: string, now: number): boolean =>
  root.process === process && root.key === key && root.leases === 0 && root.leavingAt > now && root.clearedAt > now
