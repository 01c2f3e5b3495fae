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
  /** An unguessable id with as many characters of base64url as `bytes` random bytes take, without padding. */
  id(bytes: number): string
}

/** The longest delay that Node's timers can hold, in milliseconds. */
const MAX_TIMER: number = 2 ** 31 - 1

const POOL_BYTES = 3_072
let pool = ''
let poolUsed = 0

/**
 * Cuts from a pool of random characters of six bits each: one system call for about a hundred ids. No character is used
 * twice.
 */
function randomId(bytes: number): string {
  const length = Math.ceil((bytes * 4) / 3)
  if (poolUsed + length > pool.length) {
    const random = crypto.getRandomValues(new Uint8Array(Math.max(POOL_BYTES, bytes)))
    pool = Buffer.from(random.buffer).toString('base64url')
    poolUsed = 0
  }
  poolUsed += length
  return pool.slice(poolUsed - length, poolUsed)
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
