import type { ChildProcess } from 'node:child_process'
import type { Lease } from '@locks/core'
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
  /** Until when the lease was good when it was last looked at, on the monotonic clock. */
  #deadline = Number.POSITIVE_INFINITY
  /** When SIGTERM was sent. */
  #termedAt: number | undefined
  #killRest: (() => void) | undefined
  #asking = false
  #acted = false
  #done = false
  // Reading the lease may be what finds it lost: the signal then comes in the midst of a look.
  readonly #look = (): void => queueMicrotask(() => this.#check())

  constructor(options: GuardOptions) {
    const { ttl } = options
    this.#options = options
    this.#margin = Math.min(500, Math.max(20, ttl / 20))
    this.#grace = Math.min(MAX_GRACE, ttl / 3)
    options.child.once('exit', () => {
      this.#stop()
      this.#killRest?.()
    })
    options.lease.signal.addEventListener('abort', this.#look)
    this.#check()
  }

  /** Whether the command was told to end. */
  get acted(): boolean {
    return this.#acted
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
    const now = performance.now()
    const { remaining } = lease
    if (remaining > 0) this.#deadline = now + remaining
    // A lease that was broken leaves a command that may clean up its grace, but none that ran out.
    const left = remaining > 0 ? remaining : Math.min((this.#termedAt ?? now) + this.#grace, this.#deadline) - now

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
    this.#termedAt = performance.now()
    this.#acted = true
    // A command that ends at SIGTERM may leave children of its own behind.
    if (child.pid !== undefined) this.#killRest = rememberDescendants(child.pid)
    child.kill('SIGTERM')
    this.#options.say(`${this.#what()}; sent the command a SIGTERM`)
  }

  #kill(): void {
    const { child } = this.#options
    this.#stop()
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) killTree(child.pid)
    const late = this.#acted
    this.#acted = true
    this.#options.say(late ? 'the command did not end in time; killed it' : `${this.#what()}; killed the command`)
  }

  #what(): string {
    return this.#options.lease.held ? 'could not be renewed in time' : 'lost'
  }
}
