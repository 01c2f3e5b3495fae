import type { AcquireAnswer, Grant, HolderState } from './backend.ts'
import type { Demand } from './demand.ts'
import type { Engine } from './engine.ts'
import { mismatch, takeGrant } from './grant.ts'
import type { Hold } from './hold.ts'
import { elapsed, type Instant, type Timer } from './runtime.ts'

/** Fencing tokens reserved with each hold that may be handed on locally: it bounds how often that happens. */
const TOKENS = 64

export interface CampaignEvents {
  /** The hold is the listener's from here on. */
  granted(hold: Hold): void
  /** The backend answered that the lock is busy, for a campaign that waits. */
  busy(holder: HolderState | undefined): void
  /** It is over, and what it did at the backend is being taken back. */
  failed(error: unknown): void
}

/** One secret's way to a grant, however many calls, pushes and repeats that takes. */
export class Campaign {
  readonly #engine: Engine
  readonly #demand: Demand
  readonly #events: CampaignEvents
  readonly #identity: ReturnType<Engine['request']>
  /** When the call under way was made. */
  #asking: Instant | undefined
  /** Look again as soon as the call under way is answered. */
  #again = false
  #pushed: Grant | undefined
  #sleep: { readonly timer: Timer; readonly wake: () => void } | undefined
  #over = false

  constructor(engine: Engine, demand: Demand, handsOn: boolean, events: CampaignEvents) {
    this.#engine = engine
    this.#demand = demand
    this.#events = events
    this.#identity = engine.request(demand, handsOn ? TOKENS : 1)
  }

  /** Milliseconds for which a call has gone unanswered; undefined: none is under way. */
  get silence(): number | undefined {
    return this.#asking && elapsed(this.#engine.runtime, this.#asking)
  }

  /** Campaigns until granted, failed or stopped. Never rejects. */
  async run(): Promise<void> {
    try {
      const hold = await this.#win()
      if (hold === undefined) return
      this.#over = true
      this.#events.granted(hold)
    } catch (error) {
      if (this.#over) return
      this.stop()
      this.#events.failed(error)
    }
  }

  /** Gives up: the place in the queue, and a grant that may be on its way. */
  stop(): void {
    if (this.#over) return
    this.#over = true
    this.#sleep?.wake()
    const { key, token, mode } = this.#identity
    const timeout = this.#demand.requestTimeout
    this.#engine.undo({ key, token, mode, timeout }, timeout)
  }

  /** Looks again now. */
  look(): void {
    this.#again = true
    this.#sleep?.wake()
  }

  async #win(): Promise<Hold | undefined> {
    while (!this.#over) {
      this.#again = false
      const sent = this.#engine.runtime.now()
      const answer = await this.#ask()
      if (this.#over) return undefined
      if (answer.outcome === 'mismatch') throw mismatch(this.#engine, this.#demand, answer.usedAs)
      const grant = answer.outcome === 'granted' ? answer : this.#pushed
      if (grant !== undefined) {
        const hold = await this.#take(grant, sent)
        if (hold !== undefined || this.#over) return hold
      } else if (answer.outcome === 'busy') {
        this.#events.busy(answer.holder)
        if (!this.#again && !this.#over) await this.#wait(answer.retryAfter)
      }
      if (this.#over) return undefined
      if (this.#pushed !== undefined) {
        const hold = await this.#take(this.#pushed, sent)
        if (hold !== undefined || this.#over) return hold
      }
    }
    return undefined
  }

  async #ask(): Promise<AcquireAnswer> {
    const { key, requestTimeout } = this.#demand
    this.#asking = this.#engine.runtime.now()
    try {
      return await this.#engine.ask(key, 'acquiring', requestTimeout, (timeout) => {
        const wake = (grant?: Grant): void => this.#woken(grant)
        const { fair, retryInterval } = this.#demand
        const queue = fair !== false && this.#engine.backend.capabilities.queue === 'fifo'
        return this.#engine.backend.acquire({ ...this.#identity, wait: { queue, retryInterval, wake }, timeout })
      })
    } finally {
      this.#asking = undefined
    }
  }

  #woken(grant: Grant | undefined): void {
    if (this.#over) return
    if (grant !== undefined) this.#pushed = grant
    this.look()
  }

  #wait(delay: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#sleep?.timer.cancel()
        this.#sleep = undefined
        resolve()
      }
      this.#sleep = { timer: this.#engine.runtime.setTimer(delay, wake, true), wake }
    })
  }

  /** Undefined: the grant's time is over already; the backend is asked again, and re-arms it if it is still ours. */
  async #take(grant: Grant, sent: Instant): Promise<Hold | undefined> {
    this.#pushed = undefined
    const hold = await takeGrant(this.#engine, this.#identity, this.#demand, grant, sent)
    if (hold !== undefined && this.#over) hold.end()
    return this.#over ? undefined : hold
  }
}
