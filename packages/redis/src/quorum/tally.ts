import type { Node } from './node.ts'

/**
 * Where a node stands in an attempt: was asked; granted, and then was told the fencing token, which it confirmed or found too
 * low. The others don't count for it: refused; abstained; was not told of such a ttl; has the lease's token from before;
 * failed.
 */
export type Stand =
  | 'asked'
  | 'granted'
  | 'confirming'
  | 'confirmed'
  | 'low'
  | 'refused'
  | 'abstains'
  | 'small'
  | 'own'
  | 'failed'

/** What follows from where the nodes stand. */
export type Step =
  | 'wait'
  /** A majority granted: choose the fencing token. */
  | 'choose'
  /** Tell the fencing token to who granted. */
  | 'confirm'
  /** The fencing token is too low for a majority. */
  | 'raise'
  | 'win'
  | 'refused'
  | 'small'
  | 'abstains'
  | 'again'
  | 'failed'

const HOPEFUL: readonly Stand[] = ['asked', 'granted', 'confirming', 'confirmed', 'low']

/** Counts where the nodes stand. */
export class Tally {
  readonly #stands = new Map<Node, Stand>()
  readonly #owns: bigint[] = []
  readonly #majority: number

  constructor(nodes: readonly Node[], majority: number) {
    this.#majority = majority
    for (const node of nodes) this.#stands.set(node, 'asked')
  }

  set(node: Node, stand: Stand): void {
    this.#stands.set(node, stand)
  }

  /** The lease's token holds there, with this fencing token. */
  own(node: Node, fence: bigint): void {
    this.set(node, 'own')
    this.#owns.push(fence)
  }

  /** The fencing token with which the lease's token holds at a majority. */
  get ownFence(): bigint | undefined {
    return this.#owns.find((one) => this.#owns.filter((other) => other === one).length >= this.#majority)
  }

  nodes(...stands: readonly Stand[]): readonly Node[] {
    return [...this.#stands].filter(([, stand]) => stands.includes(stand)).map(([node]) => node)
  }

  count(...stands: readonly Stand[]): number {
    let sum = 0
    for (const stand of this.#stands.values()) if (stands.includes(stand)) sum += 1
    return sum
  }

  /** `chosen`: whether there is a fencing token. */
  next(chosen: boolean): Step {
    const majority = this.#majority
    if (this.count('confirmed') >= majority) return 'win'
    if (this.count('refused') > this.#stands.size - majority) return 'refused'
    if (this.count(...HOPEFUL) < majority) return this.#without()
    if (!chosen) return this.count('granted') >= majority ? 'choose' : 'wait'
    if (this.count('granted') > 0) return 'confirm'
    return this.count('low') > 0 && this.count('confirming') === 0 ? 'raise' : 'wait'
  }

  /** There will be no majority: why decides what is next. */
  #without(): Step {
    const answered = this.count(...HOPEFUL) - this.count('asked') + this.count('refused', 'own')
    if (this.count('own') >= this.#majority) return 'again'
    if (this.count('own') > 0 && this.count('asked') > 0) return 'wait'
    if (this.count('small') > 0) return 'small'
    if (answered >= this.#majority && this.count('refused') > 0) return 'refused'
    if (this.count('own') > 0) return 'again'
    if (this.count('abstains') > 0) return 'abstains'
    return this.count('asked', 'confirming') > 0 ? 'wait' : 'failed'
  }
}
