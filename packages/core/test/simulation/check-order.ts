import type { Root, Scene } from './ledger.ts'

/** Milliseconds for which a backend keeps a grant for a waiter who has not heard of it yet, at least. */
const CLAIM = 1_000

/**
 * Promise 11. Who knew that it stood in the queue before another one asked is granted before that one: its token is lower.
 * Provided that it could hear of its grant in time, and give its signs of life.
 */
export function checkOrder({ ledger, world, scenario }: Scene, first: Root): void {
  const { weather, variant, troubles } = scenario
  if (first.queuedAt === Number.POSITIVE_INFINITY || first.fence === undefined) return
  if (first.process.disturbedAt >= first.askedAt || troubles.force > 0) return
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
