import type { Random } from '../../../core/test/random.ts'
import type { Weather } from './wire.ts'

/** What a seed stands for. Times in milliseconds. */
export interface Scenario {
  readonly nodes: number
  readonly processes: number
  readonly names: number
  /** What part of the leases is shared. */
  readonly readers: number
  readonly ttls: readonly number[]
  readonly nodeTimeout: number
  readonly weather: Weather
  readonly horizon: number
  /** Mean time between two troubles. */
  readonly calm: number
}

export function scenarioOf(random: Random): Scenario {
  const shortest = 200 + random.below(600)
  return {
    nodes: random.oneOf([1, 3, 3, 3, 3, 4, 5, 5]),
    processes: 2 + random.below(3),
    names: 1 + random.below(2),
    readers: random.oneOf([0, 0, 0.4, 0.8]),
    ttls: random.oneOf([[shortest], [shortest, 2 * shortest], [shortest, 60_000], [60_000]]),
    nodeTimeout: 20 + random.below(200),
    weather: {
      most: 1 + random.below(20),
      slow: random.oneOf([0, 0.05, 0.2]),
      slowest: 50 + random.below(1_500),
      lost: random.oneOf([0, 0.02, 0.1]),
      again: random.oneOf([0, 0.5]),
    },
    horizon: 2_000 + random.below(8_000),
    calm: 100 + random.below(1_000),
  }
}

/** No message gets lost or stays away. */
export const FAIR: Weather = { most: 5, slow: 0, slowest: 0, lost: 0, again: 0 }
