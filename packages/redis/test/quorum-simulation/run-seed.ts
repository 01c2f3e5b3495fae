import { Lock } from '@locks/core'
import { Random } from '../../../core/test/random.ts'
import { Process } from '../../../core/test/simulation/process.ts'
import { type Failure, World } from '../../../core/test/simulation/world.ts'
import type { RedisQuorumBackend } from '../../src/quorum/quorum-backend.ts'
import { Checks } from './checks.ts'
import { type Cast, NAMES, work } from './client.ts'
import type { Code } from './code.ts'
import { ModelServer, type ScriptFlaws } from './model-server.ts'
import { FAIR, type Scenario, scenarioOf } from './scenario.ts'
import { Wire } from './wire.ts'

export interface Result {
  readonly seed: number
  readonly scenario: Scenario
  readonly failure: Failure | undefined
  readonly hash: number
  readonly grants: number
  readonly trace: readonly string[]
}

/** How long what was given up may still be seen, in milliseconds: requests under way, and repetitions of what was lost. */
const CLEAN_UP = 15_000

/** One run, from its seed to its end. */
export async function runSeed(seed: number, code: Code, flaws: ScriptFlaws = {}, tracing = false): Promise<Result> {
  const world = new World(seed, tracing)
  const random = new Random(world.random.below(2 ** 32))
  const scenario = scenarioOf(random)
  const { nodes, processes, horizon, calm, nodeTimeout } = scenario
  const checks = new Checks(world)
  const cast: Cast = { world, checks, scenario, over: false }
  const wire = new Wire(world, scenario.weather)
  const servers = Array.from({ length: nodes }, (_, at) => {
    const clock = { rate: 1 + (random.next() - 0.5) / 200, offset: (random.next() - 0.5) * random.oneOf([0, 50, 1e6]) }
    return new ModelServer(`s${at}`, world, clock, code, flaws)
  })
  const backends = new Map<Process, RedisQuorumBackend>()
  const begin = (name: string): Process => {
    const temper = { rate: 1 + (random.next() - 0.5) / 200, late: 20, early: 0 }
    const process = new Process(world, name, temper, new Random(random.below(2 ** 32)))
    const made = servers.map((server) => new code.Node(wire.connect(process, server), 'locks:', process))
    backends.set(process, new code.RedisQuorumBackend(new code.Quorum(made, nodeTimeout, process)))
    return process
  }
  const tasks: Promise<void>[] = []
  const staff = (name: string): void => {
    const process = begin(name)
    const backend = backends.get(process) as RedisQuorumBackend
    for (let count = 0; count < 2; count += 1)
      tasks.push(work(cast, process, backend, new Random(random.below(2 ** 32))))
  }
  const trouble = (): void => {
    if (cast.over) return
    const server = random.oneOf(servers)
    const alive = [...backends.keys()].filter((process) => process.alive)
    const process = random.oneOf(alive)
    const kind = random.below(8)
    if (kind < 2) {
      // As far as the promise goes: a majority keeps what it knows.
      const forgetful = servers.filter((one) => !one.votes && one !== server).length
      if (forgetful + 1 <= nodes - (Math.floor(nodes / 2) + 1)) {
        world.note(server.name, 'forgets')
        server.forget()
        if (random.next() < 0.5) wire.stop(server, random.next() * 500, false)
      }
    } else if (kind < 4) wire.stop(server, random.next() * 1_500, random.next() < 0.5)
    else if (kind < 6) wire.cut(process, server, random.next() * 1_500)
    else if (kind === 6) process.stop(random.next() * 1_500, random.next() < 0.3)
    else if (alive.length > 1) {
      world.note(process.name, 'dies')
      process.die()
      staff(`p${backends.size}`)
    }
    world.after(random.next() * 2 * calm, trouble)
  }
  world.onSettled = () => checks.look()
  const unheard = (reason: unknown): void => world.fail('residue', `an unhandled rejection: ${String(reason)}`)
  process.on('unhandledRejection', unheard)
  try {
    await world.run(async () => {
      for (let count = 0; count < processes; count += 1) staff(`p${backends.size}`)
      world.after(random.next() * 2 * calm, trouble)
      await world.sleep(horizon)
      cast.over = true
      wire.weather = FAIR
      await world.sleep(CLEAN_UP)
      const dead = [...backends.keys()].filter((process) => !process.alive).map(({ name }) => name)
      const left = servers.flatMap((server) => server.holds.map((hold) => `${hold} at ${server.name}`))
      const orphans = left.filter((hold) => !dead.some((name) => hold.includes(` ${name} `)))
      if (orphans.length > 0) world.fail('residue', `nobody holds, and there is: ${orphans.join('; ')}`)
      await finale(world, backends.get(begin('last')) as RedisQuorumBackend)
    })
  } finally {
    process.off('unhandledRejection', unheard)
  }
  const { failure, hash, trace = [] } = world
  return { seed, scenario, failure, hash, grants: checks.grants, trace }
}

/** Once the dead have run out, and whoever forgot takes part again, everything can be had. */
async function finale(world: World, backend: RedisQuorumBackend): Promise<void> {
  await world.sleep(65_000)
  for (const name of NAMES) {
    const lock = new Lock(name, { backend })
    const lease = await lock.tryAcquire({ timeout: 120_000 }).catch((error: unknown) => String(error))
    if (lease === null || typeof lease === 'string') world.fail('rest', `${name} can not be had: ${lease}`)
    else await lease.release()
  }
  await backend.close()
}
