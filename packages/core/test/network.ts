import type { ConformanceFaults } from '../src/conformance/index.ts'

/** One client's connection. */
export interface Link {
  /** Called after the connection was cut, when it stands again. */
  reconnected: () => void
}

interface Flight {
  readonly link: Link
  /** Carries the request out at the server. */
  deliver(): void
  /** The client hears that the connection is gone. */
  cut(): void
}

/**
 * What lies between clients and a server in this process: requests and pushes take a few turns of the loop, overtake each
 * other, and go wrong on demand.
 */
export class Network implements ConformanceFaults {
  readonly #links = new Set<Link>()
  readonly #flights = new Set<Flight>()
  readonly #isolated = new Set<Link>()
  #held: (() => void)[] = []
  #paused = false
  #losing = false
  #delay = 0

  connect(link: Link): void {
    this.#links.add(link)
  }

  disconnectLink(link: Link): void {
    this.#links.delete(link)
  }

  /** Sends a request. Rejects if no answer came in time; whether it was carried out is unknown then. */
  request<T>(link: Link, kind: 'read' | 'change', timeout: number, action: () => T | Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const settle = (finish: () => void): void => {
        clearTimeout(timer)
        this.#flights.delete(flight)
        finish()
      }
      const timer = setTimeout(() => settle(() => reject(new Error(`no answer within ${timeout} ms`))), timeout)
      const answer = async (): Promise<void> => {
        const result = await action()
        if (kind === 'change' && this.#losing) return
        this.#travel(link, () => settle(() => resolve(result)))
      }
      const flight: Flight = {
        link,
        deliver: () => void answer().catch((error: unknown) => settle(() => reject(error))),
        cut: () => settle(() => reject(new Error('the connection was cut'))),
      }
      this.#flights.add(flight)
      this.#travel(link, flight.deliver, this.#delay)
    })
  }

  /** Sends something to a client unasked: lost if it can't be reached now. */
  push(link: Link, action: () => void): void {
    if (this.#paused || this.#losing || this.#isolated.has(link) || !this.#links.has(link)) return
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

  delayRequests(delay: number): void {
    this.#delay = delay
  }

  isolate(client: object): void {
    for (const link of this.#links) if (this.owns(client, link)) this.#isolated.add(link)
  }

  resume(): void {
    this.#paused = false
    this.#losing = false
    this.#delay = 0
    this.#isolated.clear()
    const held = this.#held
    this.#held = []
    for (const send of held) send()
  }

  disconnect(): void {
    for (const flight of [...this.#flights]) flight.cut()
    for (const link of this.#links) setImmediate(() => link.reconnected())
  }

  /** Overridden by nobody: a client is found by its link. */
  owns(client: object, link: Link): boolean {
    return this.#owners.get(client) === link
  }

  readonly #owners = new WeakMap<object, Link>()

  /** Says whose connection a link is, for `isolate`. */
  belongs(link: Link, client: object): void {
    this.#owners.set(client, link)
  }

  #travel(link: Link, arrive: () => void, delay = 0): void {
    const send = (): void => {
      if (this.#paused || this.#isolated.has(link)) this.#held.push(arrive)
      else arrive()
    }
    if (delay > 0) setTimeout(send, delay)
    else hop(1 + Math.floor(Math.random() * 3), send)
  }
}

function hop(turns: number, then: () => void): void {
  setImmediate(() => (turns === 1 ? then() : hop(turns - 1, then)))
}
