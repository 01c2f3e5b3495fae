import type { LockBackend } from '../src/backend.ts'
import type { ConformanceFaults } from '../src/conformance/index.ts'
import { type Runtime, systemRuntime } from '../src/runtime.ts'

/** One client's connection. */
export interface Link {
  /** Whose it is, for `isolate`. */
  client: LockBackend | undefined
  /** The clocks and timers of the client's process. */
  readonly runtime: Runtime
  /** Called when the connection stands again after it was cut. */
  reconnected(): void
}

/** What carries requests from clients to a server in this process, and answers and pushes back. */
export interface Transport {
  open(link: Link): void
  close(link: Link): void
  /** Sends a request. Rejects if no answer comes in time; whether it was carried out, or still will be, is unknown then. */
  request<T>(link: Link, kind: 'read' | 'change', timeout: number, carryOut: () => T | Promise<T>): Promise<T>
  /** Sends something to a client unasked. It may get lost. */
  push(link: Link, action: () => void): void
}

interface Flight {
  /** The client hears that the connection is gone; what it sent may still arrive. */
  cut(): void
}

/**
 * A transport in real time: requests and pushes take a few turns of the loop, may overtake each other, and go wrong on
 * demand.
 */
export class Network implements Transport, Required<Omit<ConformanceFaults, 'restart'>> {
  readonly #runtime: Runtime
  readonly #links = new Set<Link>()
  readonly #flights = new Set<Flight>()
  readonly #isolated = new Set<Link>()
  #held: (() => void)[] = []
  #paused = false
  #losing = false
  #delay = { least: 0, most: 0 }

  constructor(runtime: Runtime = systemRuntime) {
    this.#runtime = runtime
  }

  open(link: Link): void {
    this.#links.add(link)
  }

  close(link: Link): void {
    this.#links.delete(link)
  }

  request<T>(link: Link, kind: 'read' | 'change', timeout: number, carryOut: () => T | Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const settle = (finish: () => void): void => {
        timer.cancel()
        this.#flights.delete(flight)
        finish()
      }
      const late = (): void => settle(() => reject(new Error(`no answer within ${timeout} ms`)))
      const timer = link.runtime.setTimer(timeout, late, true)
      let lost = false
      const cut = (): void => {
        lost = this.#runtime.random() < 0.5
        settle(() => reject(new Error('the connection was cut')))
      }
      const flight: Flight = { cut }
      this.#flights.add(flight)
      const arrive = async (): Promise<void> => {
        if (lost) return
        try {
          const result = await carryOut()
          if (kind === 'read' || !this.#losing) this.#travel(link, () => settle(() => resolve(result)))
        } catch (error) {
          this.#travel(link, () => settle(() => reject(error)))
        }
      }
      const { least, most } = this.#delay
      this.#travel(link, () => void arrive(), least + this.#runtime.random() * (most - least))
    })
  }

  /** Lost if the client can't be reached now. */
  push(link: Link, action: () => void): void {
    if (this.#paused || this.#losing || this.#isolated.has(link)) return
    this.#travel(link, () => {
      if (this.#links.has(link)) action()
    })
  }

  pause(): void {
    this.#paused = true
  }

  loseReplies(): void {
    this.#losing = true
  }

  delayRequests(least: number, most: number): void {
    this.#delay = { least, most }
  }

  isolate(client: LockBackend): void {
    for (const link of this.#links) if (link.client === client) this.#isolated.add(link)
  }

  resume(): void {
    this.#paused = false
    this.#losing = false
    this.#delay = { least: 0, most: 0 }
    this.#isolated.clear()
    const held = this.#held
    this.#held = []
    for (const send of held) send()
  }

  disconnect(): void {
    for (const flight of [...this.#flights]) flight.cut()
    for (const link of this.#links) setImmediate(() => link.reconnected())
  }

  #travel(link: Link, arrive: () => void, delay = 0): void {
    const send = (): void => {
      if (this.#paused || this.#isolated.has(link)) this.#held.push(arrive)
      else arrive()
    }
    if (delay > 0) this.#runtime.setTimer(delay, send, true)
    else afterTurns(1 + Math.floor(this.#runtime.random() * 3), send)
  }
}

function afterTurns(turns: number, then: () => void): void {
  setImmediate(() => {
    if (turns === 1) then()
    else afterTurns(turns - 1, then)
  })
}
