import type { StoreTraits } from '../faulty-store.ts'
import type { Random } from '../random.ts'
import type { Temper } from './process.ts'
import type { Weather } from './wire.ts'

/** Which kind of backend a seed is run over. `--only` takes one of these. */
export type Kind = 'record' | 'native'

export interface Variant {
  readonly kind: Kind
  /** For a record store. */
  readonly traits: StoreTraits
  /** The largest error of a reading of the store's clock, in milliseconds. */
  readonly grain: number
}

/** How a name is used. `mixed`: as a lock and as a semaphore, which excludes each other. */
export type Usage = 'lock' | 'readers' | 'semaphore' | 'mixed'

/** What all who use a lock have in common, so that they may wait in one line. */
export interface Manner {
  readonly ttl: number
  readonly autoRenew: boolean
  readonly maxHold: number | undefined
  readonly requestTimeout: number
  readonly fair: boolean | 'strict' | undefined
  readonly retryInterval: number | undefined
}

/** How often each kind of trouble comes over a run, on average. */
export interface Troubles {
  readonly cut: number
  readonly part: number
  readonly hang: number
  readonly stop: number
  readonly sleep: number
  readonly step: number
  readonly death: number
  readonly close: number
  readonly force: number
  /** A process stands still just when the time of a lease of it runs out. */
  readonly freeze: number
}

/** All that a seed decides before its run begins. */
export interface Scenario {
  /** Whether there may be any trouble at all. */
  readonly rough: boolean
  readonly variant: Variant
  readonly weather: Weather
  readonly troubles: Troubles
  readonly processes: number
  readonly tasks: number
  readonly rounds: number
  readonly temper: () => Temper
  readonly serverRate: number
  readonly keys: readonly { readonly name: string; readonly usage: Usage; readonly permits: number }[]
  readonly manners: readonly Manner[]
  /** Milliseconds over which the trouble is spread. */
  readonly horizon: number
  /** Whether tasks may wait without a timeout. */
  readonly endless: boolean
  /** Tasks hold so long that leases which nothing renews run out. */
  readonly overstay: boolean
  /** How often tasks look who holds instead of asking for a lock. */
  readonly curiosity: number
  /** Milliseconds that tasks pause between their rounds, at most. */
  readonly leisure: number
}

/** Clocks run at rates that differ by less than the 1 % that is allowed for. */
const DRIFT = 0.004

const NO_TROUBLE: Troubles = {
  cut: 0,
  part: 0,
  hang: 0,
  stop: 0,
  sleep: 0,
  step: 0,
  death: 0,
  close: 0,
  force: 0,
  freeze: 0,
}

export const kindOf = (seed: number): Kind => (seed % 4 === 3 ? 'native' : 'record')

function variantOf(seed: number, random: Random): Variant {
  const clock = random.oneOf(['local', 'local', 'remote', 'none'] as const)
  const traits: StoreTraits = {
    clock,
    watch: random.next() < 0.7,
    queue: random.next() < 0.75 ? 'fifo' : 'none',
    idleRecords: random.next() < 0.65 ? 'remove' : 'keep',
  }
  return { kind: kindOf(seed), traits, grain: random.next() < 0.8 ? 1 : 10 }
}

function weatherOf(random: Random, rough: boolean): Weather {
  const most = random.oneOf([0.2, 1, 3, 3, 10, 40])
  const fair: Weather = { least: most / 10, most, slow: 0, slowest: most, lost: 0, twice: 0 }
  if (!rough) return fair
  return {
    ...fair,
    slow: random.oneOf([0, 0.02, 0.1]),
    slowest: random.oneOf([50, 300, 2_000, 5_000]),
    lost: random.oneOf([0, 0, 0.01, 0.05, 0.2]),
    twice: random.oneOf([0, 0, 0.05, 0.2]),
  }
}

function troublesOf(random: Random): Troubles {
  const often = (chance: number, most: number): number => (random.next() < chance ? random.next() * most : 0)
  const sleeps = random.next() < 0.5
  return {
    cut: often(0.4, 4),
    part: often(0.4, 3),
    hang: often(0.3, 2),
    stop: often(0.5, 4),
    // A machine that sleeps, and whose wall clock is set back by as much, shows no clock that has counted.
    sleep: sleeps ? often(0.5, 3) : 0,
    step: sleeps ? 0 : often(0.6, 4),
    death: often(0.3, 2),
    close: often(0.15, 1),
    force: often(0.15, 2),
    freeze: often(0.5, 4),
  }
}

function mannerOf(random: Random, pace: Pace, queue: 'fifo' | 'none'): Manner {
  const ttl = random.oneOf(TTLS[pace])
  const autoRenew = pace !== 'drifting' && random.next() < 0.8
  return {
    ttl,
    autoRenew,
    maxHold:
      autoRenew && ttl !== Number.POSITIVE_INFINITY && random.next() < 0.15 ? ttl * random.next() * 2 + 1 : undefined,
    requestTimeout: random.oneOf([500, 1_000, 3_000]),
    fair: queue === 'none' ? random.oneOf([undefined, false]) : random.oneOf([undefined, true, true, 'strict', false]),
    retryInterval: random.next() < 0.1 ? random.oneOf(ttl > 6_000 ? [500, 1_500] : [20, 100, 500]) : undefined,
  }
}

/** Short against the delays; middling; so long that whatever is left behind stays; long enough to tell clocks apart. */
type Pace = 'short' | 'middling' | 'long' | 'drifting'
const TTLS: Readonly<Record<Pace, readonly number[]>> = {
  short: [20, 60, 150, 400],
  middling: [700, 1_500, 3_000, 6_000],
  long: [600_000, 600_000, 30_000, Number.POSITIVE_INFINITY],
  drifting: [15_000, 30_000, 45_000],
}

export function scenarioOf(seed: number, random: Random): Scenario {
  const variant = variantOf(seed, random)
  const mood = random.next()
  const rough = mood >= 0.35
  const pace = random.oneOf(['short', 'middling', 'middling', 'long', 'long', 'drifting'] as const)
  const troubles = rough ? troublesOf(random) : NO_TROUBLE
  const queue = variant.kind === 'native' ? 'fifo' : variant.traits.queue
  const late = random.oneOf([0, 1, 5, 20])
  const early = random.next() < 0.3 ? 0.9 : 0
  const usage = random.oneOf(['lock', 'lock', 'lock', 'readers', 'readers', 'semaphore', 'semaphore', 'mixed'] as const)
  const horizon = pace === 'drifting' ? 60_000 : random.oneOf([100, 400, 2_000, 6_000])
  const names = random.next() < 0.85 ? ['a'] : ['a', 'b']
  const weather = weatherOf(random, rough && random.next() < 0.8)
  const manners = Array.from({ length: 1 + random.below(2) }, () => mannerOf(random, pace, queue))
  // Whoever died may hold on for very long; and a ttl that is over before each reply comes is never had.
  const hopeless = troubles.death + troubles.close > 0 && pace === 'long'
  const breathless = manners.some(({ ttl }) => ttl < 8 * weather.most)
  return {
    rough,
    variant,
    // A compare-and-write does no harm when it is done twice. An attempt that was answered "busy" and then granted does, and
    // so does a break that breaks whoever it let in: by the contract, a native adapter's transport must not repeat requests.
    weather: variant.kind === 'native' ? { ...weather, twice: 0 } : weather,
    troubles,
    processes: 2 + random.below(rough ? 3 : 4),
    tasks: 1 + random.below(3),
    rounds: 1 + random.below(5),
    temper: () => ({ rate: 1 + (random.next() * 2 - 1) * DRIFT, late, early }),
    serverRate: 1 + (random.next() * 2 - 1) * DRIFT,
    keys: names.map((name) => ({ name, usage, permits: 2 + random.below(2) })),
    manners,
    horizon,
    endless: !hopeless && !breathless,
    overstay: pace === 'drifting' || (pace !== 'long' && random.next() < 0.3),
    curiosity: random.next() < 0.15 ? 0.4 : 0.07,
    leisure: random.oneOf([0, 5, horizon / 20, horizon / 6]),
  }
}
