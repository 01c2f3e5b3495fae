import { type Entry, nameOf, type Scene } from './ledger.ts'

/** How often a process looks at its clocks while it holds something, in milliseconds. */
const TICK = 1_000
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
  if (!reason.includes('closed') && !ledger.broken(entry.root) && isUndisturbed(checks, entry))
    world.fail('loss without a cause', `${nameOf(entry)} was lost: ${reason}`)
}

/** Whether a renewal must have come through in time: its process ran, reached the server, and had time enough. */
function isUndisturbed({ scenario }: Scene, entry: Entry): boolean {
  const { manner, process, grantedAt } = entry
  const { most } = scenario.weather
  if (!manner.autoRenew || manner.maxHold !== undefined || process.disturbedAt >= grantedAt - ASKED) return false
  return manner.ttl >= 80 * most + 30 * process.temper.late + 300
}
