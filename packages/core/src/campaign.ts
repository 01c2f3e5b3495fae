import type { Grant, HolderState, Wait } from './backend.ts'
import type { Demand } from './demand.ts'
import type { Engine } from './engine.ts'
import { askFor, type TimedGrant, takeGrant } from './grant.ts'
import type { Hold } from './hold.ts'
import { elapsed, type Instant } from './runtime.ts'
import type { Task } from './scheduler.ts'

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
  readonly #wait: Wait
  /** When the call under way was made. */
  #asking: Instant | undefined
  /** Look again as soon as the call under way is answered. */
  #again = false
  #pushed: TimedGrant | undefined
  #sleep: { readonly alarm: Task; readonly wake: () => void } | undefined
  #over = false

  constructor(engine: Engine, demand: Demand, handsOn: boolean, events: CampaignEvents) {
    this.#engine = engine
    this.#demand = demand
    this.#events = events
    this.#identity = engine.request(demand, handsOn ? TOKENS : 1)
    const queue = demand.fair !== false && engine.backend.capabilities.queue === 'fifo'
    this.#wait = { queue, retryInterval: demand.retryInterval, wake: (grant) => this.#woken(grant) }
  }

  /** Milliseconds for which a call has gone unanswered; undefined: none is under way. */
  get silence(): number | undefined {
    return this.#asking && elapsed(this.#engine.runtime, this.#asking)
  }

  /** Campaigns from `now` on until granted, failed or stopped. Never rejects. */
  async run(now: Instant): Promise<void> {
    try {
      for (let at = now; !this.#over; at = this.#engine.runtime.now()) await this.#look(at)
    } catch (error) {
      if (this.#over) return
      void this.stop()
      this.#events.failed(error)
    }
  }

  /** Gives up: the place in the queue, and a grant that may be on its way. Resolves when that has been done. */
  async stop(): Promise<void> {
    if (this.#over) return
    this.#over = true
    this.#sleep?.wake()
    const { key, token, mode } = this.#identity
    const timeout = this.#demand.requestTimeout
    await this.#engine.undo({ key, token, mode, timeout }, timeout)
  }

  /** Looks again now. */
  lookAgain(): void {
    this.#again = true
    this.#sleep?.wake()
  }

  /** Asks once; if busy, sleeps until it is time or worthwhile to ask again. */
  async #look(at: Instant): Promise<void> {
    this.#again = false
    this.#asking = at
    const answer = await askFor(this.#engine, this.#demand, this.#identity, this.#wait, this.#isOver, at)
    if (this.#over) return
    let grant = answer.outcome === 'granted' ? answer : this.#pushed
    if (answer.outcome === 'busy' && grant === undefined) {
      this.#asking = undefined
      this.#events.busy(answer.holder)
      if (!this.#again) await this.#sleepFor(answer.retryAfter)
      grant = this.#pushed
    }
    if (grant !== undefined && !this.#over) await this.#take(grant)
  }

  readonly #isOver = (): boolean => this.#over

  #woken(grant: Grant | undefined): void {
    if (this.#over) return
    // Without a moment to count from, a pushed grant only tells to look.
    if (grant?.since !== undefined) this.#pushed = { ...grant, since: grant.since }
    this.lookAgain()
  }

  #sleepFor(delay: number): Promise<void> {
    const { runtime, scheduler } = this.#engine
    return new Promise((resolve) => {
      const wake = (): void => {
        if (this.#sleep !== undefined) scheduler.drop(this.#sleep.alarm)
        this.#sleep = undefined
        resolve()
      }
      this.#sleep = { alarm: scheduler.after(runtime.now().mono, delay, wake, true), wake }
    })
  }

  /**
   * Makes a hold of a grant, and hands it over in the very step in which it finds that nobody has stopped the campaign. If
   * the grant's time is over already, the backend is asked again, and re-arms it if it is still ours.
   */
  async #take(grant: TimedGrant): Promise<void> {
    this.#pushed = undefined
    this.#asking ??= this.#engine.runtime.now()
    const taken = takeGrant(this.#engine, this.#identity, this.#demand, grant)
    const hold = taken instanceof Promise ? await taken : taken
    this.#asking = undefined
    if (this.#over) hold?.end()
    if (this.#over || hold === undefined) return
    this.#over = true
    this.#events.granted(hold)
  }
}
