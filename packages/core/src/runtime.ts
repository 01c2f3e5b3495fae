/**
 * The seam through which all clocks, timers and randomness come, so that a simulation can drive the code that ships.
 */

/** A point in time on both clocks of this process, in milliseconds. Only differences between two instants mean anything. */
export interface Instant {
  /** The monotonic clock: never steps, but may stand still while the machine is suspended. */
  readonly mono: number
  /** The wall clock: counts through a suspension, but may be stepped. */
  readonly wall: number
}

/** A timer that was set and may be cancelled. */
export interface Timer {
  cancel(): void
  /** Changes whether the process must stay up for it. */
  keepAlive(on: boolean): void
}

export interface Runtime {
  now(): Instant
  /**
   * Calls back once after `delay` ms (fractions allowed; at least one turn of the loop later). `keepAlive` says whether
   * the process must stay up for it.
   */
  setTimer(delay: number, callback: () => void, keepAlive: boolean): Timer
  /** A fraction in [0, 1), for jitter: not for secrets. */
  random(): number
  /** An unguessable id of `bytes` random bytes, as base64url without padding. */
  id(bytes: number): string
}

/** The longest delay that Node's timers can hold, in milliseconds. */
const MAX_TIMER: number = 2 ** 31 - 1

const POOL_BYTES = 4_096
let pool: Buffer = Buffer.alloc(0)
let poolUsed = 0

/** Draws from a pool of random bytes: one system call per 4 KiB instead of one per id. Bytes are never used twice. */
function randomId(bytes: number): string {
  if (poolUsed + bytes > pool.length) {
    pool = Buffer.from(crypto.getRandomValues(new Uint8Array(POOL_BYTES)))
    poolUsed = 0
  }
  const id = pool.toString('base64url', poolUsed, poolUsed + bytes)
  pool.fill(0, poolUsed, poolUsed + bytes)
  poolUsed += bytes
  return id
}

/** In stages that Node's timers can hold. */
function setLongTimer(delay: number, callback: () => void, keepAlive: boolean): Timer {
  let stays = keepAlive
  const next = (): void => {
    timer = systemRuntime.setTimer(delay - MAX_TIMER, callback, stays)
  }
  let timer = systemRuntime.setTimer(MAX_TIMER, next, keepAlive)
  return {
    cancel: () => timer.cancel(),
    keepAlive(on) {
      stays = on
      timer.keepAlive(on)
    },
  }
}

export const systemRuntime: Runtime = {
  now: () => ({ mono: performance.now(), wall: Date.now() }),
  setTimer(delay, callback, keepAlive) {
    if (delay > MAX_TIMER) return setLongTimer(delay, callback, keepAlive)
    const timer = setTimeout(callback, Math.max(Math.ceil(delay), 0))
    if (!keepAlive) timer.unref()
    return {
      cancel: () => clearTimeout(timer),
      keepAlive: (on) => void (on ? timer.ref() : timer.unref()),
    }
  },
  random: Math.random,
  id: randomId,
}

/**
 * Milliseconds from one instant to a later one: the larger of what the two clocks say, so that neither a suspended machine
 * (the monotonic clock stands) nor a wall clock set back makes a lease look younger than it is.
 */
export const between = (since: Instant, now: Instant): number => Math.max(now.mono - since.mono, now.wall - since.wall)

/** Milliseconds since an instant, by the larger of what the two clocks say. */
export const elapsed = (runtime: Runtime, since: Instant): number => between(since, runtime.now())
