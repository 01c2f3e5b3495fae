import { MemoryStore } from '../../src/memory-backend.ts'
import { NativeServer } from '../native-server.ts'
import { Random } from '../random.ts'
import type { Checks } from './checks.ts'
import { Client, type Service } from './client.ts'
import type { Root } from './ledger.ts'
import { Process } from './process.ts'
import type { Scenario } from './scenario.ts'
import { Task } from './task.ts'
import { Tasks } from './tasks.ts'
import { Wire } from './wire.ts'
import type { World } from './world.ts'

/** Milliseconds within which a backend has dropped a dead waiter, and the grant that it may have got. */
const DROPPED = 30_000

/** It waited in the queue, and nothing was under way that could have made more of that. */
const wasOnlyQueued = (root: Root, { disturbedAt }: Process, now: number): boolean =>
  root.queuedAt < now && root.leases === 0 && !root.renewed && root.asking === 0 && disturbedAt < root.askedAt

/** The server, the network, and the processes with their tasks. */
export class Cast {
  readonly world: World
  readonly wire: Wire
  readonly clients: Client[] = []
  readonly tasks: Tasks = new Tasks()
  readonly checks: Checks
  readonly random: Random
  readonly memory: MemoryStore
  readonly #scenario: Scenario
  readonly #service: Service
  #processes = 0

  constructor(world: World, scenario: Scenario, checks: Checks) {
    this.world = world
    this.checks = checks
    this.#scenario = scenario
    const random = (): Random => new Random(world.random.below(2 ** 32))
    this.random = random()
    this.wire = new Wire(world, scenario.weather, random())
    const server = (): number => 1_000 + world.now * scenario.serverRate
    const memoryRuntime = new Process(world, 'server', { rate: scenario.serverRate, late: 0, early: 0 }, random())
    this.memory = new MemoryStore(memoryRuntime)
    const { grain } = scenario.variant
    const readings = random()
    const reading = (): number => server() + (readings.next() * 2 - 1) * grain
    this.#service = { wire: this.wire, memory: this.memory, native: new NativeServer(this.wire, server), reading }
  }

  get living(): Client[] {
    return this.clients.filter(({ process, closed }) => process.alive && closed === undefined)
  }

  /** A new process. */
  enter(): Client {
    this.#processes += 1
    const random = new Random(this.random.below(2 ** 32))
    const process = new Process(this.world, `p${this.#processes}`, this.#scenario.temper(), random)
    const client = new Client(process, this.#scenario, this.#service, this.checks)
    this.clients.push(client)
    return client
  }

  /** A task of a client, which begins at once. */
  task(client: Client, name: string): Task {
    return new Task(name, client, this.clients, this.checks, new Random(this.random.below(2 ** 32)), this.tasks)
  }

  /** A new process with its tasks. */
  begin(): void {
    const client = this.enter()
    for (let count = 0; count < this.#scenario.tasks; count += 1) {
      const task = this.task(client, `t${count + 1}`)
      client.process.deliver(() => task.start(() => task.run()))
    }
  }

  die(client: Client): void {
    const { process } = client
    this.world.note(process.name, 'dies')
    process.die()
    this.tasks.died(process)
    // A waiter that has died is skipped: without another sign of life it is soon dropped, and what it is granted is short.
    for (const root of this.checks.ledger.roots.values())
      if (root.process === process && wasOnlyQueued(root, process, this.world.now))
        root.until = Math.min(root.until, this.world.now + DROPPED)
    this.excuse(client, 'its process died')
  }

  /** What a client asked for or has attached may be left behind. */
  excuse(client: Client, why: string): void {
    const { roots, entries } = this.checks.ledger
    for (const root of roots.values()) if (root.process === client.process) root.excuse ??= why
    for (const { process, root } of entries) if (process === client.process) root.excuse ??= why
  }
}
