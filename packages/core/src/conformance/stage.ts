import assert from 'node:assert/strict'
import {
  type Capabilities,
  createLocks,
  Lock,
  type LockBackend,
  type LockKey,
  type LockOptions,
  lockKey,
  ReadWriteLock,
  Semaphore,
  systemRuntime,
} from '../index.ts'
import { Contender, type ContenderOptions } from './contender.ts'
import { History, hostNow } from './history.ts'
import { ConformanceProcess } from './processes/process.ts'
import type { Usage } from './processes/protocol.ts'
import { Random, seedOf } from './random.ts'
import type { ConformanceFaults, ConformanceTarget, Fault } from './target.ts'
import { Witness } from './witness.ts'

const SHORT = 300
const LONG = 30_000

/** What one case works with: a name of its own, clients that it makes and closes, bounds that suit the target. */
export class Stage {
  readonly capabilities: Capabilities
  /** A ttl to be waited out, in milliseconds. */
  readonly ttl: number
  /** A short ttl whose automatic renewals come in time even on a busy machine. */
  readonly steady: number
  /** A ttl that doesn't run out within a case. */
  readonly long: number
  /** Milliseconds within which what needs no expiry must have happened, even on a slow machine. */
  readonly patience: number
  /** Milliseconds by which a timer, or an answer that needs no request, may be late on a slow machine. */
  readonly slack: number
  /** Milliseconds to wait for what will not come: short, and yet time for a request to be answered. */
  readonly brief: number
  /** Milliseconds that suffice for a request, even one that takes long for once, and are short for what will not come. */
  readonly vain: number
  /** A ttl for attempts that are given up: what they may take afterwards, if anything, is free within the case. */
  readonly forlorn: number
  /** Milliseconds between two looks of those who have to poll. */
  readonly pause: number
  readonly namespace: string = 'conformance'
  /** Used by this case only. */
  readonly name: string = `case-${systemRuntime.id(9)}`
  readonly key: LockKey = lockKey(this.namespace, this.name)
  /** Whether anything was left to chance. */
  drawn = false
  readonly history: History = new History()
  readonly #target: ConformanceTarget
  readonly #seed: number
  readonly #clients: LockBackend[] = []
  readonly #processes: ConformanceProcess[] = []
  #started = 0
  #troubled = false

  constructor(target: ConformanceTarget, seed = 0) {
    this.#seed = seed
    const { capabilities, latency = 20 } = target
    const { min, max } = capabilities.ttl
    this.#target = target
    this.capabilities = capabilities
    this.ttl = target.ttl ?? Math.max(min, SHORT, 15 * latency)
    this.steady = Math.min(max, 2 * this.ttl)
    this.long = Math.min(max, Math.max(LONG, 20 * this.ttl))
    this.patience = 3_000 + 20 * latency
    this.slack = 250 + 5 * latency
    this.brief = Math.max(200, 10 * latency)
    this.vain = Math.max(1_000, 10 * latency)
    this.forlorn = capabilities.guarantee.lateRequests === 'run out' ? this.ttl : this.long
    this.pause = Math.max(10, latency / 2)
  }

  /** What a ttl is worth to its holder at most, counted from the send of its request; a backend may round it up to 1 ms. */
  worth(ttl: number): number {
    return ttl * 0.99 - 2 - this.capabilities.ttl.granularity + 1
  }

  /** Milliseconds after its last renewal within which a hold that isn't renewed must have made way for who waits. */
  expiry(ttl: number = this.ttl): number {
    return (this.capabilities.guarantee.expiry === 'observation' ? 2 * ttl : ttl) + this.patience
  }

  /** A new client, which has talked with the storage: what follows takes no longer than a request does. */
  async client(): Promise<LockBackend> {
    const backend = await this.#target.connect()
    this.#clients.push(backend)
    assert.deepEqual(backend.capabilities, this.capabilities, 'a client declares other capabilities than the target')
    await backend.inspect({ key: this.key, timeout: LONG })
    return backend
  }

  /** Another process, which has a client of its own. */
  async process(): Promise<ConformanceProcess> {
    const { module } = this.#target
    assert.ok(module !== undefined, 'the target has no module')
    this.#started += 1
    const started = await ConformanceProcess.start(module, `process ${this.#started}`, this.history)
    this.#processes.push(started)
    return started
  }

  async processes(count: number): Promise<readonly ConformanceProcess[]> {
    return Promise.all(Array.from({ length: count }, () => this.process()))
  }

  /** How a process is to use the case's lock: `changes` over the kit's options. */
  usage(changes: Partial<Usage> = {}): Usage {
    return { ...this.#options(), name: this.name, ...changes }
  }

  /** Options of the kit: `changes` over defaults that depend on nothing configured. */
  options(backend: LockBackend, changes: LockOptions = {}): LockOptions & { readonly backend: LockBackend } {
    return { ...this.#options(), ...changes, backend }
  }

  #options(): Omit<Usage, 'name'> {
    const retryInterval = this.capabilities.wakeup === 'poll' ? this.pause : undefined
    const { namespace, long: ttl, patience: requestTimeout } = this
    return { namespace, ttl, timeout: LONG, requestTimeout, retryInterval }
  }

  /** The case's lock, through a client of its own. */
  async lock(changes: LockOptions = {}): Promise<Lock> {
    return new Lock(this.name, this.options(await this.client(), changes))
  }

  async pair(changes: LockOptions = {}): Promise<readonly [Lock, Lock]> {
    return [await this.lock(changes), await this.lock(changes)]
  }

  async locks(count: number, changes: LockOptions = {}): Promise<readonly Lock[]> {
    return Promise.all(Array.from({ length: count }, () => this.lock(changes)))
  }

  async readWriteLock(changes: LockOptions = {}): Promise<ReadWriteLock> {
    return new ReadWriteLock(this.name, this.options(await this.client(), changes))
  }

  async semaphore(permits: number, changes: LockOptions = {}): Promise<Semaphore> {
    return new Semaphore(this.name, permits, this.options(await this.client(), changes))
  }

  /** Somebody at the contract's own level, through a client of its own unless one is given. */
  async contender(options: Partial<ContenderOptions> = {}, backend?: LockBackend): Promise<Contender> {
    return new Contender(backend ?? (await this.client()), this.key, { ttl: this.long, ...options })
  }

  async contenders(count: number, options: Partial<ContenderOptions> = {}): Promise<readonly Contender[]> {
    return Promise.all(Array.from({ length: count }, () => this.contender(options)))
  }

  /** Watches leases of this process; `permits`: how many may hold at once. */
  witness(permits = 1): Witness {
    this.history.permits = permits
    return new Witness(this.history)
  }

  /** Numbers for one user of them: who shared them with others would get them in an order that differs from run to run. */
  chance(user: string): Random {
    this.drawn = true
    return new Random(seedOf(this.#seed, user))
  }

  offers(name: Fault): boolean {
    return this.#target.faults?.[name] !== undefined
  }

  /** Makes trouble, which ends with the case at the latest. */
  async trouble<Name extends Fault>(name: Name, ...args: Parameters<Required<ConformanceFaults>[Name]>): Promise<void> {
    this.#troubled = true
    this.#note(name, args[0] as LockBackend | undefined)
    const faults = this.#target.faults as Readonly<Record<Fault, (...args: unknown[]) => void | Promise<void>>>
    await faults[name](...args)
  }

  #note(name: Fault, client: unknown): void {
    if (name === 'resume') {
      this.history.calm()
      return
    }
    const index = this.#clients.indexOf(client as LockBackend)
    const atOnce = name === 'disconnect' || name === 'restart'
    this.history.trouble(name, index < 0 ? undefined : `client ${index + 1}`, atOnce ? hostNow() : undefined)
  }

  /** Ends trouble and closes all clients; what they still hold is released. */
  async close(): Promise<void> {
    if (this.#troubled) await this.#target.faults?.resume?.()
    await Promise.all(this.#processes.map((one) => one.dismiss()))
    await Promise.all(this.#clients.map((backend) => createLocks({ backend }).close()))
  }
}
