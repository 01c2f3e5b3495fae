import type { Instant, Runtime, Timer } from '../../src/runtime.ts'
import type { Random } from '../random.ts'
import type { Event, World } from './world.ts'

/** What sets one process's clocks and timers apart from another's. */
export interface Temper {
  /** How fast its clocks run. */
  readonly rate: number
  /** Timers are late by up to this many milliseconds, and early by up to `early`. */
  readonly late: number
  readonly early: number
}

interface Pending {
  /** On the monotonic clock. */
  readonly due: number
  readonly callback: () => void
  event: Event
}

/** Clocks so far in the past that every deadline lies ahead of them. */
const LONG_AGO = -1e8
const EVEN_LONGER = -1e15

/** A client's process: clocks of its own, timers, and an event loop that may stop, or end for good. */
export class Process implements Runtime {
  readonly name: string
  readonly world: World
  readonly temper: Temper
  alive: boolean = true
  /** Its event loop stands: timers and arriving messages wait until it goes on. */
  stopped: boolean = false
  /** When something last kept it from running, from being reached, or changed its clocks; Infinity: it still does. */
  disturbedAt: number = Number.NEGATIVE_INFINITY
  /** When its loop last went on after a stop, and when its clocks last went apart. */
  resumedAt: number = Number.NEGATIVE_INFINITY
  jumpedAt: number = Number.NEGATIVE_INFINITY
  readonly #random: Random
  readonly #timers = new Set<Pending>()
  readonly #sleepers = new Set<Pending>()
  readonly #monoStart: number
  readonly #wallStart: number
  /** Clock time that the monotonic clock lacks, and when it stopped. */
  #slept = 0
  #asleepSince: number | undefined
  #stepped = 0
  #stops = 0
  #troubles = 0
  #backlog: (() => void)[] = []
  #ids = 0
  #shown: Instant | undefined

  constructor(world: World, name: string, temper: Temper, random: Random) {
    this.world = world
    this.name = name
    this.temper = temper
    this.#random = random
    this.#monoStart = random.below(1_000_000) + random.next() - world.now * temper.rate
    this.#wallStart = 1_700_000_000_000 + random.below(10_000_000) - world.now * temper.rate
  }

  now(): Instant {
    return this.#shown ?? { mono: this.mono, wall: this.wall }
  }

  get mono(): number {
    return this.#monoStart + (this.#asleepSince ?? this.world.now) * this.temper.rate - this.#slept
  }

  /** Of whole milliseconds, as Date.now() is. */
  get wall(): number {
    return Math.floor(this.#wallStart + this.world.now * this.temper.rate + this.#stepped)
  }

  /** Those that the library has set. */
  get timers(): number {
    return this.#timers.size - this.#sleepers.size
  }

  /** Lets a task of it sleep. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const pending = this.#set(ms, () => {
        this.#sleepers.delete(pending)
        resolve()
      })
      this.#sleepers.add(pending)
    })
  }

  get running(): boolean {
    return this.alive && !this.stopped
  }

  setTimer(delay: number, callback: () => void): Timer {
    const pending = this.#set(delay, callback)
    return {
      cancel: () => {
        this.#timers.delete(pending)
        pending.event.run = undefined
      },
      keepAlive: () => undefined,
    }
  }

  #set(delay: number, callback: () => void): Pending {
    const { late, early } = this.temper
    const wait = Math.max(0, Math.ceil(delay))
    const off = this.#random.next() < 0.8 ? this.#random.next() : this.#random.next() * late
    const ahead = wait > 1 && early > 0 ? this.#random.next() * early : 0
    const pending: Pending = {
      due: this.mono + wait - early,
      callback,
      event: this.#arm(wait + off - ahead, () => pending),
    }
    this.#timers.add(pending)
    return pending
  }

  random(): number {
    return this.#random.next()
  }

  id(bytes: number): string {
    this.#ids += 1
    return `${this.name}-${this.#ids.toString(36)}`.padEnd(Math.ceil((bytes * 4) / 3), '_')
  }

  /** Lets its event loop run something, as soon as it runs at all. */
  deliver(run: () => void): void {
    if (!this.alive) return
    if (this.stopped) this.#backlog.push(run)
    else run()
  }

  /** Stands still for a while, as by SIGSTOP, or (`asleep`) with the whole machine, whose monotonic clock then stands. */
  stop(duration: number, asleep: boolean): void {
    this.#stops += 1
    this.stopped = true
    if (asleep) this.#asleepSince ??= this.world.now
    const over = this.disturb()
    this.world.after(duration, () => {
      this.#stops -= 1
      over()
      if (this.#stops === 0) this.#goOn()
    })
  }

  #goOn(): void {
    const { world } = this
    if (this.#asleepSince !== undefined) {
      this.#slept += (world.now - this.#asleepSince) * this.temper.rate
      this.#asleepSince = undefined
      this.jumpedAt = world.now
    }
    this.stopped = false
    this.resumedAt = world.now
    const backlog = this.#backlog
    this.#backlog = []
    // In any order: what the loop does first after a stop depends on where it was.
    for (const run of backlog) world.after(0, () => this.deliver(run))
  }

  /** Somebody sets the wall clock. */
  stepWall(by: number): void {
    this.#stepped += by
    this.jumpedAt = this.world.now
    this.disturb()()
  }

  /** Trouble begins; the function it returns ends it. */
  disturb(): () => void {
    this.#troubles += 1
    this.disturbedAt = Number.POSITIVE_INFINITY
    return () => {
      this.#troubles -= 1
      if (this.#troubles === 0) this.disturbedAt = this.world.now
    }
  }

  /** Nothing of it runs any more. */
  die(): void {
    this.alive = false
    for (const { event } of this.#timers) event.run = undefined
    this.#timers.clear()
    this.#backlog = []
  }

  /** What `read`, a number of milliseconds until a deadline, makes of a deadline on each of the two clocks: on which
   * instants they lie, without moving a clock or letting the reader find that one has passed. */
  deadlines(read: () => number): Instant {
    this.#shown = { mono: LONG_AGO, wall: EVEN_LONGER }
    const mono = read() + LONG_AGO
    this.#shown = { mono: EVEN_LONGER, wall: 0 }
    const wall = read()
    this.#shown = undefined
    return { mono, wall }
  }

  #arm(wait: number, pending: () => Pending): Event {
    return this.world.after(wait / this.temper.rate, () => this.deliver(() => this.#fire(pending())))
  }

  #fire(pending: Pending): void {
    if (!this.#timers.has(pending)) return
    const rest = pending.due - this.mono
    // The monotonic clock stood meanwhile, and timers go by it.
    if (rest > 0.001) pending.event = this.#arm(rest, () => pending)
    else {
      this.#timers.delete(pending)
      pending.callback()
    }
  }
}
