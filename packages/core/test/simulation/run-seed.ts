import { Random } from '../random.ts'
import { Cast } from './cast.ts'
import { Checks } from './checks.ts'
import { finale } from './finale.ts'
import { type Scenario, scenarioOf } from './scenario.ts'
import { spread } from './trouble.ts'
import { type Failure, World } from './world.ts'

export interface Result {
  readonly seed: number
  readonly scenario: Scenario
  readonly failure: Failure | undefined
  /** Equal for two runs exactly if the same happened at the same times. */
  readonly hash: number
  readonly events: number
  readonly trace: readonly string[]
}

/** One run, from its seed to its end. */
export async function runSeed(seed: number, tracing: boolean = false): Promise<Result> {
  const world = new World(seed, tracing)
  const scenario = scenarioOf(seed, new Random(world.random.below(2 ** 32)))
  const checks = new Checks(world, scenario)
  const cast = new Cast(world, scenario, checks)
  const unheard = (reason: unknown): void => world.fail('residue', `an unhandled rejection: ${String(reason)}`)
  process.on('unhandledRejection', unheard)
  try {
    await world.run(async () => {
      for (let count = 0; count < scenario.processes; count += 1) cast.begin()
      spread(cast, scenario.troubles, scenario.horizon)
      await world.sleep(scenario.horizon)
      await finale(cast)
    })
  } finally {
    process.off('unhandledRejection', unheard)
  }
  const { failure, hash, events, trace = [] } = world
  return { seed, scenario, failure, hash, events, trace }
}
