import type { Link, Transport } from '../network.ts'
import type { Random } from '../random.ts'
import type { Process } from './process.ts'
import type { World } from './world.ts'

/** What the network is like. Times in milliseconds, chances from 0 to 1. */
export interface Weather {
  /** How long a message takes, usually. */
  readonly least: number
  readonly most: number
  /** Chance of a message that takes up to `slowest`. */
  readonly slow: number
  readonly slowest: number
  /** Chance of a message that gets lost, and of one that arrives twice. */
  readonly lost: number
  readonly twice: number
}

type Reach = { readonly away: 'held' | 'lost'; readonly held: (() => void)[] }

/** The transport between the processes and a server, in virtual time. What it does to a process is trouble on its record. */
export class Wire implements Transport {
  readonly #world: World
  readonly #random: Random
  #weather: Weather
  readonly #links = new Map<Link, Process>()
  readonly #flights = new Map<Process, Set<() => void>>()
  readonly #away = new Map<Process, Reach>()
  readonly #down = new Set<Process>()
  /** What waits for a server that hangs. */
  #waiting: (() => void)[] | undefined
  /** Ends what that is to each process. */
  #hanging: (() => void)[] = []
  #requests = 0

  constructor(world: World, weather: Weather, random: Random) {
    this.#world = world
    this.#weather = weather
    this.#random = random
  }

  open(link: Link): void {
    const process = link.runtime as Process
    this.#links.set(link, process)
    if (this.#waiting !== undefined) this.#hanging.push(process.disturb())
  }

  close(link: Link): void {
    this.#links.delete(link)
  }

  request<T>(link: Link, kind: 'read' | 'change', timeout: number, carryOut: () => T | Promise<T>): Promise<T> {
    const process = link.runtime as Process
    this.#requests += 1
    const number = this.#requests
    const flights = this.#flights.get(process) ?? new Set()
    this.#flights.set(process, flights)
    return new Promise<T>((resolve, reject) => {
      let lost = false
      const settle = (finish: () => void): void => {
        timer.cancel()
        flights.delete(cut)
        finish()
      }
      const timer = process.setTimer(timeout, () => settle(() => reject(new Error('no answer'))))
      const broken = (): void => settle(() => reject(new Error('the connection was cut')))
      const cut = (): void => {
        lost = this.#random.next() < 0.5
        process.deliver(broken)
      }
      flights.add(cut)
      if (this.#down.has(process)) {
        this.#world.after(this.#random.next(), () => process.deliver(broken))
        return
      }
      let arrived = false
      const arrive = (): void => {
        if (lost) return
        // A copy is carried out, too, but not answered: an adapter whose client sends again by itself must take care of that.
        const copy = arrived
        arrived = true
        this.#world.detail('server', () => `${kind} ${number} of ${process.name}${copy ? ', again' : ''}`)
        const answer = (finish: () => void): void => {
          if (!copy) this.#send(process, () => process.deliver(() => settle(finish)))
        }
        try {
          const result = carryOut()
          if (result instanceof Promise)
            result.then(
              (value) => answer(() => resolve(value)),
              (error: unknown) => answer(() => reject(error)),
            )
          else answer(() => resolve(result))
        } catch (error) {
          answer(() => reject(error))
        }
      }
      this.#send(process, () => this.#serve(arrive))
    })
  }

  push(link: Link, action: () => void): void {
    const process = this.#links.get(link)
    if (process === undefined) return
    if (this.#down.has(process)) return
    this.#send(process, () => {
      if (this.#links.has(link) && !this.#down.has(process)) process.deliver(action)
    })
  }

  /** Breaks a process's connection, for a while. What it sent may still arrive. */
  cut(process: Process, duration: number): void {
    if (this.#down.has(process)) return
    this.#down.add(process)
    const over = process.disturb()
    for (const cut of [...(this.#flights.get(process) ?? [])]) cut()
    this.#world.after(duration, () => {
      this.#down.delete(process)
      over()
      for (const [link, owner] of this.#links) if (owner === process) process.deliver(() => link.reconnected())
    })
  }

  /** Keeps a process and the server apart, for a while: messages between them are late, or lost. */
  part(process: Process, away: 'held' | 'lost', duration: number): void {
    if (this.#away.has(process)) return
    const reach: Reach = { away, held: [] }
    this.#away.set(process, reach)
    const over = process.disturb()
    this.#world.after(duration, () => {
      this.#away.delete(process)
      over()
      for (const run of reach.held) this.#world.after(this.#random.next(), run)
    })
  }

  /** The server stands still for a while, and then does all that it was asked for. */
  hang(duration: number): void {
    if (this.#waiting !== undefined) return
    this.#waiting = []
    this.#hanging = [...this.#links.values()].map((process) => process.disturb())
    this.#world.after(duration, () => {
      const waiting = this.#waiting ?? []
      this.#waiting = undefined
      for (const end of this.#hanging) end()
      for (const arrive of waiting) this.#world.after(this.#random.next(), () => this.#serve(arrive))
    })
  }

  /** From now on everything arrives in time, once. */
  clearUp(): void {
    this.#weather = { ...this.#weather, slow: 0, lost: 0, twice: 0 }
  }

  #serve(arrive: () => void): void {
    if (this.#waiting === undefined) arrive()
    else this.#waiting.push(arrive)
  }

  #send(process: Process, arrive: () => void): void {
    const { lost, twice } = this.#weather
    if (this.#random.next() < lost) {
      process.disturb()()
      return
    }
    this.#carry(process, arrive)
    if (this.#random.next() < twice) this.#carry(process, arrive)
  }

  #carry(process: Process, arrive: () => void): void {
    const { least, most, slow, slowest } = this.#weather
    const isSlow = this.#random.next() < slow
    const over = isSlow ? process.disturb() : undefined
    const reach = (): void => {
      const away = this.#away.get(process)
      if (away === undefined) arrive()
      else if (away.away === 'held') away.held.push(reach)
    }
    this.#world.after(least + this.#random.next() * ((isSlow ? slowest : most) - least), () => {
      over?.()
      reach()
    })
  }
}
