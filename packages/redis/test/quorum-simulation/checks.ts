import type { Lease } from '@locks/core'
import type { Process } from '../../../core/test/simulation/process.ts'
import type { World } from '../../../core/test/simulation/world.ts'

interface Held {
  readonly lease: Lease
  readonly process: Process
}

interface Granted {
  readonly lease: Lease
  /** Counts up: what was granted before. */
  readonly order: number
}

/** What must be true of the leases, whatever happens. */
export class Checks {
  readonly #world: World
  readonly #open = new Map<string, Set<Held>>()
  readonly #granted = new Map<string, Granted[]>()
  #order = 0
  grants = 0

  constructor(world: World) {
    this.#world = world
  }

  /** To be called before an acquire, for `granted`. */
  begin(): number {
    this.#order += 1
    return this.#order
  }

  granted(name: string, lease: Lease, process: Process, begun: number): void {
    this.grants += 1
    const before = this.#granted.get(name) ?? []
    this.#granted.set(name, before)
    for (const { lease: other, order } of before) {
      const { fencingToken } = lease
      const lower = other.fencingToken >= fencingToken
      // Requests of readers overlap: only those that were over when this one began came before it for certain.
      if (lower && (order < begun || lease.mode === 'exclusive' || other.fencingToken === fencingToken))
        this.#world.fail('fencing', `${name}: ${fencingToken} was granted after ${other.fencingToken}`)
    }
    before.push({ lease, order: this.begin() })
    const open = this.#open.get(name) ?? new Set()
    this.#open.set(name, open.add({ lease, process }))
  }

  /** Between any two events. */
  look(): void {
    for (const [name, open] of this.#open) {
      for (const held of open) if (!held.process.alive || !held.lease.held) open.delete(held)
      const leases = [...open].map(({ lease }) => lease)
      if (leases.length > 1 && leases.some(({ mode }) => mode === 'exclusive')) {
        const tokens = leases.map(({ mode, fencingToken }) => `${mode} ${fencingToken}`).join(', ')
        this.#world.fail('exclusion', `${name} is held at once: ${tokens}`)
      }
    }
  }
}
