import type { Process } from '../../../core/test/simulation/process.ts'
import type { World } from '../../../core/test/simulation/world.ts'
import type { Connection, Subscription } from '../../src/client/connection.ts'
import type { ModelServer } from './model-server.ts'

/** Times in milliseconds, chances from 0 to 1. */
export interface Weather {
  readonly most: number
  /** Chance of a message that takes up to `slowest`. */
  readonly slow: number
  readonly slowest: number
  readonly lost: number
  /** Chance that a request whose answer got lost is sent again, as some clients do on their own. */
  readonly again: number
}

/** The network between the processes and the servers: each message goes its own way. */
export class Wire {
  weather: Weather
  readonly #world: World
  readonly #down = new Map<ModelServer, 'down' | (() => void)[]>()
  readonly #cut = new Set<string>()

  constructor(world: World, weather: Weather) {
    this.#world = world
    this.weather = weather
  }

  /** The server hears nothing; or, if it `hangs`, it hears it when that is over. */
  stop(server: ModelServer, duration: number, hangs: boolean): void {
    if (this.#down.has(server)) return
    const waiting: (() => void)[] = []
    this.#down.set(server, hangs ? waiting : 'down')
    this.#world.after(duration, () => {
      this.#down.delete(server)
      for (const arrive of waiting) this.#world.after(this.#world.random.next(), arrive)
    })
  }

  cut(process: Process, server: ModelServer, duration: number): void {
    const path = `${process.name} ${server.name}`
    this.#cut.add(path)
    this.#world.after(duration, () => this.#cut.delete(path))
  }

  connect(process: Process, server: ModelServer): Connection {
    return {
      location: server.name,
      keyPrefix: '',
      single: false,
      send: (_key, command, args) => this.#send(process, server, command, args),
      serverOf: () => '',
      line: () => undefined,
      masters: async () => [],
      subscribe: (): Subscription => {
        throw new Error('a quorum does not subscribe')
      },
      close: () => undefined,
    }
  }

  #send(process: Process, server: ModelServer, command: string, args: readonly string[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { random } = this.#world
      const path = `${process.name} ${server.name}`
      const travels = (then: () => void): boolean => {
        const { most, slow, slowest, lost } = this.weather
        if (this.#cut.has(path) || random.next() < lost) return false
        this.#world.after(random.next() * (random.next() < slow ? slowest : most), then)
        return true
      }
      const arrive = (): void => {
        const down = this.#down.get(server)
        if (typeof down === 'object') down.push(arrive)
        else if (down === 'down') travels(() => process.deliver(() => reject(new Error('connection refused'))))
        else {
          const reply = server.run(command, args)
          this.#world.detail(process.name, () => `${server.name} ${server.describe(args)} → ${reply}`)
          const answers = travels(() => process.deliver(() => resolve(reply)))
          if (!answers && random.next() < this.weather.again) travels(arrive)
        }
      }
      travels(arrive)
    })
  }
}
