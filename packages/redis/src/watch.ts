import type { Runtime, Timer } from '@locks/core'
import { ServerClock } from './server-clock.ts'

/** How long a server may go unread while something is held there, in milliseconds. */
const EVERY = 1_000

interface Held {
  readonly server: string
  /** By the monotonic clock. */
  ends: number
}

/** Sees to it that a step of a server's clock is noticed within a second while anything of this process is held there. */
export class Watch {
  readonly #runtime: Runtime
  readonly #read: (server: string) => void
  readonly #stepped: (sooner: number) => void
  readonly #clocks = new Map<string, ServerClock>()
  readonly #held = new Map<string, Held>()
  #timer: Timer | undefined

  /** `read` has a server's clock read, `stepped` hears of steps. */
  constructor(runtime: Runtime, read: (server: string) => void, stepped: (sooner: number) => void) {
    this.#runtime = runtime
    this.#read = read
    this.#stepped = stepped
  }

  clockOf(server: string): ServerClock {
    const known = this.#clocks.get(server)
    if (known !== undefined) return known
    const clock = new ServerClock(this.#runtime, this.#stepped)
    this.#clocks.set(server, clock)
    return clock
  }

  /** How often a clock was seen to be set, or another server to have taken over. */
  get steps(): number {
    return [...this.#clocks.values()].reduce((sum, { epoch }) => sum + epoch, 0)
  }

  /** `token` holds at `server` until `ends` at most, by the monotonic clock. */
  holds(token: string, server: string, ends: number): void {
    const held = this.#held.get(token)
    if (held === undefined) this.#held.set(token, { server, ends })
    else held.ends = Math.max(held.ends, ends)
    this.#timer ??= this.#runtime.setTimer(EVERY / 2, () => this.#look(), false)
  }

  /** `token` holds for `ttl` milliseconds more at most, unless it is over meanwhile. */
  renewed(token: string, ttl: number): void {
    const held = this.#held.get(token)
    if (held !== undefined) held.ends = Math.max(held.ends, this.#runtime.now().mono + ttl)
  }

  over(token: string): void {
    this.#held.delete(token)
  }

  close(): void {
    this.#timer?.cancel()
    this.#held.clear()
  }

  #look(): void {
    this.#timer = undefined
    const { mono } = this.#runtime.now()
    const servers = new Set<string>()
    for (const [token, { server, ends }] of this.#held) {
      if (ends < mono) this.#held.delete(token)
      else servers.add(server)
    }
    for (const server of servers) if (mono - this.clockOf(server).lastReading >= EVERY / 2) this.#read(server)
    if (this.#held.size > 0) this.#timer = this.#runtime.setTimer(EVERY / 2, () => this.#look(), false)
  }
}
