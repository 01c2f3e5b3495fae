import { type Entry, nameOf, type Scene } from './ledger.ts'

/** How often a process looks at its clocks while it holds something, in milliseconds. */
const TICK = 1_000
/** A hold that was granted by a release lasts no longer than this many milliseconds at first. */
const CLAIM = 1_000
/** Milliseconds before its grant from which a lease may count. */
const ASKED = 4_000
/** Milliseconds by which the clocks may go apart before a process takes it for a jump. */
const JUMP = 50
/** Leases of at least this many milliseconds signal their loss at least this much before the deadline. */
const LONG = 60
const NOTICE = 4

/** Milliseconds by which a lease's deadline has passed on its own process's clocks; below 0: it is yet to come. */
export function lateness({ ledger }: Scene, entry: Entry): number {
  ledger.look(entry)
  // Given up, or found lost: then there is no deadline.
  return entry.mono < 0 ? Number.NEGATIVE_INFINITY : -ledger.rest(entry)
}

/** How late a signal may be: by as much as timers are, after a stop, and after a jump of the clocks. */
function allowance({ world, scenario }: Scene, entry: Entry, late: number): number {
  const { process } = entry
  const timers = process.temper.late + 1
  const running = world.now - process.resumedAt
  const sinceJump = world.now - process.jumpedAt
  const sinceGrant = world.now - entry.grantedAt
  if (late >= Math.min(running, sinceGrant) - timers) return late
  if (late >= sinceJump - TICK - timers - 10) return late
  // A smaller jump than this goes unnoticed.
  if (process.jumpedAt >= entry.grantedAt - ASKED && late <= timers + JUMP) return late
  const isLong = entry.manner.ttl >= LONG && scenario.variant.grain === 1
  return isLong ? Math.max(0, timers - NOTICE) : 2 * timers
}

/** Promise 2: the signal of a lease whose time is over has been aborted, if its process could run. */
export function checkDeadline(checks: Scene, entry: Entry): void {
  if (!entry.process.running) return
  const late = lateness(checks, entry)
  const allowed = allowance(checks, entry, late)
  if (late > allowed + 0.01)
    checks.world.fail(
      'signal',
      `${nameOf(entry)} is over for ${late} ms, and its signal not aborted (${allowed} ms are)`,
    )
}

/** Promises 2 and 4: a loss is signalled in time, and does not come without a cause. */
export function checkLoss(checks: Scene, entry: Entry, reason: string): void {
  const { ledger, world } = checks
  const late = -ledger.rest(entry)
  const allowed = allowance(checks, entry, late)
  if (late > allowed + 0.01)
    world.fail('signal', `the loss of ${nameOf(entry)} is signalled ${late} ms too late (${allowed} are allowed)`)
  if (reason.includes('closed') || ledger.broken(entry.root)) return
  if (isUndisturbed(checks, entry)) world.fail('loss without a cause', `${nameOf(entry)} was lost: ${reason}`)
  // It is signalled before the deadline by 1 % of the time, or 5 ms.
  const early = -late - entry.root.longest / 100 - 6
  if (reason.includes('ran out') && early > 0)
    world.fail('loss without a cause', `${nameOf(entry)} was lost ${early} ms before its time: ${reason}`)
}

/** With `maxHold` a lease runs out, one ttl after it at the latest. */
export function checkMaxHold({ ledger, world }: Scene, entry: Entry): void {
  const { manner, process, renewed, grantedAt } = entry
  if (manner.maxHold === undefined || renewed || entry.attached || !ledger.isHeld(entry)) return
  const over = world.now - grantedAt - (manner.maxHold + manner.ttl) * 1.01 - 5 - process.temper.late
  if (over > 0) world.fail('maxHold', `${nameOf(entry)} is held ${over} ms too long`)
}

/** Whether a renewal must have come through in time: its process ran, reached the server, and had time enough. */
function isUndisturbed({ scenario, world }: Scene, { manner, process, grantedAt }: Entry): boolean {
  const { ttl, autoRenew, maxHold } = manner
  const reaction = 80 * scenario.weather.most + 30 * process.temper.late + 300
  if (!autoRenew || maxHold !== undefined || Math.min(ttl, CLAIM) < reaction) return false
  if (process.disturbedAt < grantedAt - ASKED) return true
  // One that failed is repeated.
  const quiet = 0.55 * ttl
  return world.now - quiet > grantedAt && process.disturbedAt < world.now - quiet && 0.1 * ttl > reaction
}
