import fs from 'node:fs'
import type { LockKey } from '@locks/core'
import type { StoreDirectory } from './directory.ts'
import { changedAt, list, unlink } from './disk.ts'
import { look } from './key-directory.ts'
import { clearNest, finishRemoval } from './lifecycle.ts'
import { keyOfDirectory } from './names.ts'
import { serialised } from './serialised.ts'

/** Milliseconds between two rounds over a store, whichever process makes them. */
const INTERVAL = 10 * 60_000
/** Milliseconds without a change after which a lock's record is looked at, to be removed if nobody uses it. */
const IDLE = 10 * 60_000
/** Milliseconds after which what a crashed process left half-done is removed. */
const ABANDONED = 60 * 60_000
/** Bounds for one round; the next one goes on from there, and soon. */
const MAX_TIME = 2_000
const MAX_VISITS = 20_000
const SOON = 15_000
const WIDTH = 8

type Prune = (key: LockKey) => Promise<boolean>

/** Either way: a wall clock that was stepped only brings housekeeping forward or puts it off. */
const isOlder = (changed: number | null, age: number): boolean =>
  changed !== null && Math.abs(Date.now() - changed) > age

/** Removes what nobody uses any more: records of idle locks, and what crashed processes left behind. */
export class Housekeeping {
  readonly #store: StoreDirectory
  readonly #stamp: string

  constructor(store: StoreDirectory) {
    this.#store = store
    this.#stamp = `${store.path}/.sweep`
  }

  async sweep(prune: Prune): Promise<void> {
    if (!(await this.#isDue())) return
    await serialised(this.#stamp, async () => {
      if (!(await this.#isDue())) return
      const visited = await this.#readStamp()
      await this.#writeStamp(visited, 0)
      await this.#clearNursery()
      const next = await this.#visitAll(visited, prune)
      await this.#writeStamp(next, next === 0 ? 0 : INTERVAL - SOON)
    })
  }

  async #isDue(): Promise<boolean> {
    const stamped = await changedAt(this.#stamp)
    return stamped === null || isOlder(stamped, INTERVAL)
  }

  /** How many directories the last round had come past, if it didn't reach the end. */
  async #readStamp(): Promise<number> {
    const text = await fs.promises.readFile(this.#stamp, 'latin1').catch(() => '')
    return /^\d{1,12}$/.test(text.trim()) ? Number.parseInt(text, 10) : 0
  }

  async #writeStamp(visited: number, age: number): Promise<void> {
    await fs.promises.writeFile(this.#stamp, `${visited}\n`, { mode: 0o600 })
    if (age > 0) await fs.promises.utimes(this.#stamp, new Date(), new Date(Date.now() - age))
  }

  async #clearNursery(): Promise<void> {
    for (const nest of (await list(this.#store.nursery)) ?? [])
      if (isOlder(await changedAt(`${this.#store.nursery}/${nest}`), ABANDONED)) await clearNest(this.#store, nest)
  }

  /** Answers how many directories the next round can pass over; 0 if all were visited. */
  async #visitAll(skip: number, prune: Prune): Promise<number> {
    const started = performance.now()
    let passed = 0
    let removed = 0
    let batch: string[] = []
    const visitBatch = async (): Promise<void> => {
      const outcomes = await Promise.all(batch.map((name) => this.#visit(name, prune)))
      removed += outcomes.filter(Boolean).length
      batch = []
    }
    for await (const { name } of await fs.promises.opendir(this.#store.path, { bufferSize: 256 })) {
      passed += 1
      if (passed <= skip || name.startsWith('.')) continue
      batch.push(name)
      if (batch.length < WIDTH) continue
      await visitBatch()
      if (performance.now() - started > MAX_TIME || passed - skip >= MAX_VISITS) return passed - removed
    }
    await visitBatch()
    return 0
  }

  /** True if the directory was removed. One that can't be dealt with must not keep the others from their turn. */
  async #visit(name: string, prune: Prune): Promise<boolean> {
    const path = `${this.#store.path}/${name}`
    try {
      if (isOlder(await changedAt(path), IDLE)) {
        const key = await keyOfDirectory(this.#store.path, name)
        if (key !== undefined && (await prune(key))) return true
      }
      return await this.#tidy(path)
    } catch {
      return false
    }
  }

  /** A directory that stays: completes a removal, and takes away long records that no pointer names. */
  async #tidy(path: string): Promise<boolean> {
    const listing = await look(path)
    if (listing === null) return false
    if (listing.pointer === undefined) {
      if (!isOlder(await changedAt(path), IDLE)) return false
      await finishRemoval(this.#store, path)
      return listing.foreign.length === 0
    }
    for (const file of listing.more) {
      const unused = file !== listing.pointer.more?.file
      if (unused && isOlder(await changedAt(`${path}/${file}`), ABANDONED)) await unlink(`${path}/${file}`)
    }
    return false
  }
}
