import type { Root, Scene } from './ledger.ts'

/** Milliseconds for which a backend keeps a grant for a waiter who has not heard of it yet, at least. */
const CLAIM = 1_000
/** Milliseconds for which a notice whose reading got lost makes a process deaf to the next one. */
const DEAF = 1_100

/**
 * Promise 11. Who knew that it stood in the queue before another one asked is granted before that one: its token is lower.
 * Provided that it could hear of its grant in time, and give its signs of life.
 */
export function checkOrder({ ledger, world, scenario }: Scene, first: Root): void {
  const { weather, variant, troubles } = scenario
  if (first.queuedAt === Number.POSITIVE_INFINITY || first.fence === undefined) return
  if (first.process.disturbedAt >= first.askedAt - DEAF || troubles.force > 0) return
  if (variant.kind === 'record' && !variant.traits.watch) return
  if (Math.min(first.ttl, CLAIM) < 40 * weather.most + 10 * first.process.temper.late + 100) return
  for (const later of ledger.roots.values()) {
    if (later.key !== first.key || later.fence === undefined || later.askedAt <= first.queuedAt) continue
    if (later.fence < first.fence)
      world.fail(
        'order',
        `${later.owner} asked at ${later.askedAt} and got ${later.fence}; ${first.owner} had been in the queue since ${first.queuedAt} and got ${first.fence}`,
      )
  }
}

/** Milliseconds within which a free lock is given to who waits for it: messages, and timers, one after the other. */
const MESSAGES = 60
const TIMERS = 8
const SPARE = 150

/**
 * Who waits gets the lock soon after the last one that was in the way has left. In runs without any trouble, over backends
 * that give notice.
 */
export function checkPromptness({ ledger, world, scenario }: Scene, root: Root, asked: number): void {
  const { weather, variant, rough, manners } = scenario
  if (rough || weather.most > 10 || (variant.kind === 'record' && !variant.traits.watch)) return
  const { late } = root.process.temper
  const reaction = MESSAGES * weather.most + TIMERS * (late + 1)
  if (manners.some(({ ttl }) => Math.min(ttl, CLAIM) < reaction + SPARE)) return
  let free = asked
  for (const other of ledger.roots.values()) {
    if (other.key !== root.key || other === root || other.idle) continue
    if (other.clearedAt <= world.now) free = Math.max(free, other.clearedAt)
    else if (other.leavingAt <= world.now) return
    else if (other.leases > 0) {
      // It may have run out: since when, only the backend knows. So it is with what is on its way out.
      const isBeside = other.mode === root.mode && root.mode !== 'exclusive'
      const stays = ledger.entries.some((entry) => entry.root === other && !entry.leaving && ledger.isHeld(entry))
      if (!isBeside || (root.mode === 'semaphore' && !stays)) return
    }
  }
  if (world.now - free > reaction + SPARE)
    world.fail('promptness', `${root.owner} is granted ${root.key} only ${world.now - free} ms after it was free`)
}
