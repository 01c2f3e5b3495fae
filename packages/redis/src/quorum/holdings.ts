import type { LockKey, Runtime } from '@locks/core'
import type { Node } from './node.ts'

interface Holding {
  readonly key: LockKey
  /** Those at which it is sure to be held until it ends. */
  readonly sure: Set<Node>
  /** By the monotonic clock. */
  ends: number
  /** Undefined: taken over from another process, or not won yet. */
  fence: bigint | undefined
}

/** At which nodes the leases of this process are held: whether a majority still is if clocks were stepped. */
export class Holdings {
  readonly #runtime: Runtime
  readonly #majority: number
  readonly #holdings = new Map<string, Holding>()
  #prunedAt = 0

  constructor(runtime: Runtime, majority: number) {
    this.#runtime = runtime
    this.#majority = majority
  }

  /** The node holds for `token`, for `ttl` milliseconds from now at most. */
  add(token: string, key: LockKey, node: Node, ttl: number): void {
    const { mono } = this.#runtime.now()
    if (mono - this.#prunedAt > 10_000) this.#prune(mono)
    const holding = this.#holdings.get(token) ?? { key, sure: new Set(), ends: 0, fence: undefined }
    this.#holdings.set(token, holding)
    holding.sure.add(node)
    holding.ends = Math.max(holding.ends, mono + ttl)
    node.holds(token, key, ttl)
  }

  /** Whether anything is known to hold for `token`. */
  has(token: string): boolean {
    return this.#holdings.has(token)
  }

  /** A majority holds for `token`. */
  won(token: string, fence: bigint): void {
    const holding = this.#holdings.get(token)
    if (holding !== undefined) holding.fence = fence
  }

  /** With which fencing token `token` holds. */
  fenceOf(token: string): bigint | undefined {
    return this.#holdings.get(token)?.fence
  }

  /** The node does not hold for it any more. */
  remove(token: string, node: Node): void {
    this.#holdings.get(token)?.sure.delete(node)
  }

  over(token: string): void {
    for (const node of this.#holdings.get(token)?.sure ?? []) node.over(token)
    this.#holdings.delete(token)
  }

  /** The node's clock was stepped. True if a lease may not have its majority until its end any more. */
  stepped(node: Node): boolean {
    this.#prune(this.#runtime.now().mono)
    const hit = [...this.#holdings.values()].filter(({ sure }) => sure.delete(node))
    return hit.some(({ sure }) => sure.size < this.#majority)
  }

  #prune(mono: number): void {
    this.#prunedAt = mono
    for (const [token, { ends }] of this.#holdings) if (ends < mono) this.#holdings.delete(token)
  }
}
