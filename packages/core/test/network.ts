import type { LockBackend } from '../src/backend.ts'
import type { ConformanceFaults } from '../src/conformance/index.ts'

/** One client's connection. */
export interface Link {
  /** Whose it is, for `isolate`. */
  client: LockBackend | undefined
  /** Called when the connection stands again after it was cut. */
  reconnected(): void
}

interface Flight {
  /** The client hears that the connection is gone; what it sent may still arrive. */
  cut(): void
}

/**
 * What lies between clients and a server in this process: requests and pushes take a few turns of the loop, may overtake
 * each other, and go wrong on demand.
 */
export class Network implements Required<Omit<ConformanceFaults, 'restart'>> {
  readonly #links = new Set<Link>()
  readonly #flights = new Set<Flight>()
  readonly #isolated = new Set<Link>()
  #held: (() => void)[] = []
  #paused = false
  #losing = false
  #delay = { least: 0, most: 0 }

  open(link: Link): void {
    this.#links.add(link)
  }

  close(link: Link): void {
    this.#links.delete(link)
  }

  /** Sends a request. Rejects if no answer comes in time; whether it was carried out is unknown then. */
  request<T>(link: Link, kind: 'read' | 'change', timeout: number, carryOut: () => T | Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const settle = (finish: () => void): void => {
        clearTimeout(timer)
        this.#flights.delete(flight)
        finish()
      }
      const timer = setTimeout(() => settle(() => reject(new Error(`no answer within ${timeout} ms`))), timeout)
      let lost = false
      const cut = (): void => {
        lost = Math.random() < 0.5
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
      this.#travel(link, () => void arrive(), least + Math.random() * (most - least))
    })
  }

  /** Sends something to a client unasked. Lost if the client can't be reached now. */
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
    if (delay > 0) setTimeout(send, delay)
    else afterTurns(1 + Math.floor(Math.random() * 3), send)
  }
}

function afterTurns(turns: number, then: () => void): void {
  setImmediate(() => {
    if (turns === 1) then()
    else afterTurns(turns - 1, then)
  })
}
