import type { ChildProcess } from 'node:child_process'
import { elapsed, type Instant, type Lease, systemRuntime } from '@locks/core'
import type { OnLost } from './options.ts'
import { killTree, rememberDescendants } from './process-tree.ts'

/** Between two looks at the lease, in milliseconds: after a pause of the machine no timer is to be trusted for longer. */
const LOOK_EVERY = 1_000
const MAX_GRACE = 10_000

export interface GuardOptions {
  readonly lease: Lease
  readonly child: ChildProcess
  readonly onLost: OnLost
  readonly ttl: number
  /** Asks the backend, now and then, whether the hold is still there; a loss shows in the lease. Null: renewals tell. */
  readonly ask: (() => Promise<void>) | null
  /** Told what happened and what was done about it. */
  readonly say: (line: string) => void
}

/**
 * Sees to it that the command is gone before its lease runs out, and so before anybody else can have the lock by
 * expiry. `kill` acts a margin before that moment; `term` sends SIGTERM a grace earlier still. Renewals come at a third
 * of the ttl, so the grace (a third of it at most) begins only once they have failed for a while.
 */
export class Guard {
  readonly #options: GuardOptions
  /** What a SIGKILL is given to take effect. */
  readonly #margin: number
  readonly #grace: number
  #timer: NodeJS.Timeout | undefined
  /** When the lease was last seen held, and for how long it was good then. */
  #seen: { readonly at: Instant; readonly remaining: number } | undefined
  /** When SIGTERM was sent. */
  #termedAt: Instant | undefined
  #killRest: (() => void) | undefined
  #asking = false
  #acted = false
  #done = false
  // Reading the lease may be what finds it lost: the signal then comes in the midst of a look.
  readonly #look = (): void => queueMicrotask(() => this.#check())

  constructor(options: GuardOptions) {
    const { ttl } = options
    this.#options = options
    this.#margin = Math.min(500, Math.max(ttl / 10, Math.min(20, ttl / 4)))
    this.#grace = Math.min(MAX_GRACE, ttl / 3)
    options.lease.signal.addEventListener('abort', this.#look)
    this.#check()
  }

  /** Whether the command was told to end. */
  get acted(): boolean {
    return this.#acted
  }

  /** The command has ended. */
  end(): void {
    this.#stop()
    this.#killRest?.()
  }

  #stop(): void {
    this.#done = true
    clearTimeout(this.#timer)
    this.#options.lease.signal.removeEventListener('abort', this.#look)
  }

  #check(): void {
    if (this.#done) return
    clearTimeout(this.#timer)
    const { lease, onLost, ask } = this.#options
    const { remaining } = lease
    if (remaining > 0) this.#seen = { at: systemRuntime.now(), remaining }
    const left = remaining > 0 ? remaining : this.#graceLeft()

    switch (onLost) {
      case 'ignore':
        if (remaining <= 0) this.#ignore()
        break
      case 'kill':
        if (remaining <= this.#margin) this.#kill()
        break
      case 'term':
        if (left <= this.#margin) this.#kill()
        else if (remaining <= this.#margin + this.#grace) this.#term()
    }
    if (this.#done) return

    if (ask !== null && remaining > 0) void this.#ask(ask)
    const lead = onLost === 'kill' || this.#termedAt !== undefined ? this.#margin : this.#margin + this.#grace
    const pause = onLost === 'ignore' ? LOOK_EVERY : Math.min(LOOK_EVERY, Math.max(1, left - lead))
    this.#timer = setTimeout(this.#look, pause)
  }

  /** A command whose lease was broken may clean up, but not beyond the time that the lease would have had. */
  #graceLeft(): number {
    if (this.#seen === undefined) return 0
    const grace = this.#grace - (this.#termedAt === undefined ? 0 : elapsed(systemRuntime, this.#termedAt))
    return Math.min(grace, this.#seen.remaining - elapsed(systemRuntime, this.#seen.at))
  }

  /** One at a time. A failure says nothing; the renewals will. */
  async #ask(ask: () => Promise<void>): Promise<void> {
    if (this.#asking) return
    this.#asking = true
    await ask().catch(() => undefined)
    this.#asking = false
  }

  #ignore(): void {
    this.#stop()
    this.#options.say('lost; the command goes on without it')
  }

  #term(): void {
    if (this.#termedAt !== undefined) return
    const { child } = this.#options
    this.#termedAt = systemRuntime.now()
    this.#acted = true
    // A command that ends at SIGTERM may leave children of its own behind.
    if (child.pid !== undefined) this.#killRest = rememberDescendants(child.pid)
    child.kill('SIGTERM')
    this.#options.say(`${this.#what()}; sent the command a SIGTERM`)
  }

  #kill(): void {
    const { child, say } = this.#options
    this.#stop()
    const running = child.pid !== undefined && child.exitCode === null && child.signalCode === null
    const done =
      running && !killTree(child.pid as number) ? 'may not kill the command: it goes on' : 'killed the command'
    say(this.#acted ? `the command did not end in time; ${done}` : `${this.#what()}; ${done}`)
    this.#acted = true
  }

  #what(): string {
    return this.#options.lease.held ? 'could not be renewed in time' : 'lost'
  }
}
