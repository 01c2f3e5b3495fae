import type { AcquireOptions, Lease, Lock, LockState } from '../../src/index.ts'
import type { Random } from '../random.ts'
import type { Checks } from './checks.ts'
import type { Client, Face } from './client.ts'
import { holdLease } from './holding.ts'
import { ENOUGH, Impatience } from './impatience.ts'
import { type Entry, nameOf, type Root } from './ledger.ts'
import { type Outcome, outcomeOf, Stopwatch } from './outcome.ts'
import type { Manner, Scenario } from './scenario.ts'
import type { Tasks } from './tasks.ts'

export type Key = Scenario['keys'][number]

/** Somebody in a process who uses locks, in ways that the seed decides. */
export class Task {
  readonly name: string
  readonly client: Client
  /** Those that leases may be handed over to. */
  readonly clients: readonly Client[]
  readonly checks: Checks
  readonly random: Random
  readonly #tasks: Tasks

  constructor(name: string, client: Client, clients: readonly Client[], checks: Checks, random: Random, tasks: Tasks) {
    this.name = name
    this.client = client
    this.clients = clients
    this.checks = checks
    this.random = random
    this.#tasks = tasks
  }

  /** Who takes up what this task hands over to another client. */
  heir(client: Client): Task {
    return new Task(`${this.name}'s heir`, client, this.clients, this.checks, this.random, this.#tasks)
  }

  start(work: () => Promise<void>): void {
    const { process } = this.client
    this.#tasks.begin(process)
    void work().then(
      () => this.#tasks.end(process),
      (error: unknown) =>
        process.world.fail('the simulation itself', error instanceof Error ? (error.stack ?? '') : String(error)),
    )
  }

  async run(): Promise<void> {
    const { random } = this
    const { rounds, leisure, horizon } = this.checks.scenario
    await this.sleep(random.next() * (random.next() < 0.5 ? 20 : horizon / 2))
    for (let round = 0; round < rounds && this.client.closed === undefined; round += 1) {
      await this.#round()
      await this.sleep(random.next() * leisure)
    }
  }

  sleep(ms: number): Promise<void> {
    return this.client.process.sleep(ms)
  }

  note(what: string): void {
    this.client.process.world.note(this.client.process.name, `${this.name} ${what}`)
  }

  async #round(): Promise<void> {
    const { random } = this
    const { keys, manners } = this.checks.scenario
    const key = random.oneOf(keys)
    const manner = random.oneOf(manners)
    const lock = this.client.lock(key, faceOf(key, random), manner, random)
    const choice = random.next()
    const { curiosity } = this.checks.scenario
    if (choice < curiosity) await this.inspect(lock, key)
    else if (choice < curiosity + 0.18) await this.#try(lock, key, manner)
    else if (choice < curiosity + 0.28) await this.#using(lock, key, manner)
    else await this.#wait(lock, key, manner)
  }

  /** Waits for the lock, mostly for long enough, and sometimes thinks better of it. */
  async #wait(lock: Lock, key: Key, manner: Manner): Promise<void> {
    const { random } = this
    const { process } = this.client
    const timeout = this.#timeout()
    const impatience = new Impatience(process, random)
    const options = { timeout, signal: impatience.signal }
    const tries = random.next() < 0.15
    const entry = await this.#ask(lock, key, manner, timeout, impatience, () =>
      tries ? lock.tryAcquire(options) : lock.acquire(options),
    )
    if (entry !== undefined) await holdLease(this, lock, key, entry)
  }

  async #try(lock: Lock, key: Key, manner: Manner): Promise<void> {
    const impatience = new Impatience(this.client.process, this.random)
    const ask = (): Promise<Lease | null> => lock.tryAcquire({ signal: impatience.signal })
    const entry = await this.#ask(lock, key, manner, 0, impatience, ask)
    if (entry !== undefined) await holdLease(this, lock, key, entry)
  }

  async #using(lock: Lock, key: Key, manner: Manner): Promise<void> {
    const { checks } = this
    const floor = checks.highest.get(key.name) ?? 0n
    const timeout = this.#timeout()
    let entry: Entry | undefined
    let threw = false
    const body = async (lease: Lease): Promise<string> => {
      wait.end()
      const asked = started.at
      entry = checks.granted({ process: this.client.process, task: this.name, lease, manner, asked, floor })
      await this.sleep(this.holdingTime(manner))
      entry.leaving = true
      threw = this.random.next() < 0.2
      if (threw) throw ENOUGH
      return 'done'
    }
    const wait = checks.waits.begin(this.client.process, key.name)
    const started = new Stopwatch(this.client.process, Math.min(timeout, manner.requestTimeout, manner.ttl))
    const outcome = await outcomeOf(lock.using(body, { timeout }))
    wait.end()
    if ('error' in outcome) {
      if (threw && outcome.error !== ENOUGH) checks.world.fail('using', `${this.name}'s own error is hidden`)
      if (!threw) checks.answers.failed(this, key, entry ? 'using' : 'acquire', outcome.error, started)
    } else if (entry?.lostAt !== undefined) checks.world.fail('using', `${nameOf(entry)} was lost, and nobody is told`)
    else if (entry !== undefined && isUncertain(entry.root, this.client.process.world.now))
      checks.world.fail('using', `the release of ${nameOf(entry)} failed, and nobody is told`)
  }

  /** Asks for the lock, and holds the answer against what is known. */
  async #ask(
    lock: Lock,
    key: Key,
    manner: Manner,
    timeout: number,
    impatience: Impatience,
    ask: () => Promise<Lease | null>,
  ): Promise<Entry | undefined> {
    const { checks, name } = this
    const { process } = this.client
    const floor = checks.highest.get(key.name) ?? 0n
    const started = new Stopwatch(process, Math.min(timeout || 3_000, manner.requestTimeout, manner.ttl))
    this.note(`wants ${lock.name} within ${timeout}`)
    const wait = checks.waits.begin(process, key.name)
    const rootsBefore = checks.ledger.roots.size
    const asking = ask()
    const own = [...checks.ledger.roots.values()].slice(rootsBefore)
    if (manner.fair === 'strict' && timeout > 0 && own.length === 0 && this.client.closed === undefined)
      checks.world.fail('order', `${name}@${process.name} waits without a place of its own, though it is strict`)
    const outcome = await outcomeOf(asking)
    wait.end()
    impatience.end()
    const limit = limitOf(timeout, manner)
    started.check(checks, name, `asking within ${timeout}`, limit)
    if ('error' in outcome) {
      if (outcome.error !== ENOUGH) checks.answers.failed(this, key, 'acquire', outcome.error, started, own)
      return undefined
    }
    const lease = outcome.value
    if (lease !== null) return checks.granted({ process, task: name, lease, manner, asked: started.at, floor })
    checks.answers.busy(this, key, started, own)
    if (timeout > 0 && started.took < timeout - 2)
      checks.world.fail('in time', `${name} gave up after ${started.took} ms`)
    return undefined
  }

  /** Looks whether it is held. */
  async inspect(lock: Lock, key: Key): Promise<void> {
    const { checks } = this
    const held = checks.ledger.open(key.name).filter((entry) => checks.ledger.isHeld(entry))
    const started = new Stopwatch(this.client.process, 500)
    const outcome: Outcome<LockState> = await outcomeOf(lock.inspect())
    started.check(checks, this.name, 'inspect', 3_000)
    if ('error' in outcome) checks.answers.failed(this, key, 'inspect', outcome.error, started)
    else checks.answers.inspected(this, outcome.value, held)
  }

  holdingTime(manner: Manner): number {
    const { random, checks } = this
    const { overstay } = checks.scenario
    const ttl = Math.min(manner.ttl, 45_000)
    if (overstay && random.next() < 0.6) return ttl * (0.5 + random.next() * (manner.autoRenew ? 2 : 0.8))
    return random.next() * random.oneOf([0, 5, 12, 50, Math.min(ttl, 3_000)])
  }

  #timeout(): AcquireOptions['timeout'] & number {
    const { endless } = this.checks.scenario
    const forever = endless ? Number.POSITIVE_INFINITY : 10_000
    return this.random.oneOf([5, 50, 500, 3_000, 10_000, forever, forever, forever, forever])
  }
}

/** The backend was asked to take it back, and has not answered. */
const isUncertain = ({ leavingAt, clearedAt }: Root, now: number): boolean => leavingAt <= now && clearedAt > now

/** Until when an answer must come. One attempt: repeated when its grant came too late, and renewed where that is needed. */
function limitOf(timeout: number, { requestTimeout }: Manner): number {
  return timeout === 0 ? 6 * requestTimeout : timeout
}

function faceOf({ usage }: Key, random: Random): Face {
  if (usage === 'semaphore') return 'semaphore'
  if (usage === 'readers') return random.next() < 0.6 ? 'shared' : 'exclusive'
  if (usage === 'mixed') return random.oneOf(['exclusive', 'shared', 'semaphore'])
  return 'exclusive'
}
