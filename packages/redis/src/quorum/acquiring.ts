import { type AcquireAnswer, type AcquireRequest, elapsed, type RenewAnswer } from '@locks/core'
import type { Announcement } from './announcement.ts'
import { Attempt } from './attempt.ts'
import type { Holdings } from './holdings.ts'
import type { Node } from './node.ts'
import type { Outcome } from './outcome.ts'
import type { Quorum } from './quorum.ts'
import type { Rejoin } from './rejoin.ts'

/** How often a waiter looks again, in milliseconds, unless told otherwise; and at the longest after an attempt in which several got a part. */
const LOOK_AGAIN = 100
const BACK_OFF = 40

export interface AcquiringContext {
  readonly quorum: Quorum
  readonly rejoin: Rejoin
  readonly announcement: Announcement
  readonly holdings: Holdings
  /** Renews what the token has by an earlier attempt. */
  renew(timeout: number): Promise<RenewAnswer>
}

/** One call of acquire: attempts, until one has an outcome that means something to the caller. */
export class Acquiring {
  readonly #request: AcquireRequest
  readonly #context: AcquiringContext
  #attempt: Attempt | undefined
  #over = false

  constructor(request: AcquireRequest, context: AcquiringContext) {
    this.#request = request
    this.#context = context
  }

  async run(): Promise<AcquireAnswer> {
    const { token, key, ttl, timeout } = this.#request
    const { quorum, rejoin, announcement, holdings } = this.#context
    const { runtime } = quorum
    const started = runtime.now()
    for (;;) {
      const rest = timeout - elapsed(runtime, started)
      if (this.#over || rest <= 0) throw new Error('no outcome within the time limit')
      await announcement.make(ttl, rest)
      if (this.#over) continue
      const attempt = new Attempt(quorum, this.#request, rest, {
        confirmed: (node) => holdings.add(token, key, node, ttl),
        abstained: () => rejoin.soon(),
      })
      this.#attempt = attempt
      const outcome = await attempt.run().catch((error: unknown): Outcome => {
        // Silence may end within the time limit; who refuses to talk is down.
        if (this.#over || !attempt.unanswered) throw error
        return { outcome: 'again' }
      })
      if (outcome.outcome === 'granted') holdings.won(token, outcome.fencingToken)
      else if (outcome.outcome !== 'own') holdings.over(token)
      const answer = await this.#answer(outcome, rest)
      if (answer !== undefined) return answer
    }
  }

  /** Resolves when nothing more is under way to this node, or to any. */
  async settledAt(node: Node): Promise<void> {
    await this.#attempt?.settled(node)
  }

  async settled(): Promise<void> {
    await Promise.all(this.#context.quorum.nodes.map((node) => this.settledAt(node)))
  }

  /** Gives up what is not won yet. */
  abandon(): void {
    this.#over = true
    this.#attempt?.abandon()
  }

  /** Gives up what is won, too. */
  end(): void {
    this.#over = true
    this.#attempt?.end()
  }

  /** Undefined: it is tried again. */
  async #answer(outcome: Outcome, timeout: number): Promise<AcquireAnswer | undefined> {
    const { quorum, rejoin, announcement } = this.#context
    const { runtime } = quorum
    switch (outcome.outcome) {
      case 'granted':
      case 'mismatch':
        return outcome
      case 'busy': {
        const interval = Math.min(LOOK_AGAIN, this.#request.wait?.retryInterval ?? LOOK_AGAIN)
        const pause = outcome.split ? BACK_OFF * runtime.random() : interval * (0.5 + 0.5 * runtime.random())
        return { outcome: 'busy', retryAfter: Math.max(1, Math.min(pause, outcome.freeIn + 1)), holder: outcome.holder }
      }
      case 'own': {
        // What an attempt that failed has left is about to be undone.
        if (this.#context.holdings.fenceOf(this.#request.token) !== outcome.fencingToken) return await this.#pause()
        const since = runtime.now()
        const renewed = await this.#context.renew(timeout)
        if (renewed.outcome === 'lost') return undefined
        return { outcome: 'granted', fencingToken: outcome.fencingToken, since, ttl: renewed.ttl }
      }
      case 'abstains':
        await rejoin.run(timeout)
        return undefined
      case 'small':
        announcement.forget()
        return undefined
      case 'again':
        return await this.#pause()
    }
  }

  async #pause(): Promise<undefined> {
    const { runtime } = this.#context.quorum
    await new Promise<void>((resolve) => void runtime.setTimer(BACK_OFF * runtime.random(), resolve, true))
  }
}
