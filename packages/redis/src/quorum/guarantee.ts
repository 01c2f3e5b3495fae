import type { Capabilities } from '@locks/core'

/** What a majority of independent servers can promise. */
export const QUORUM_CAPABILITIES: Capabilities = {
  modes: ['exclusive', 'shared'],
  queue: 'none',
  wakeup: 'poll',
  ttl: { min: 50, max: 86_400_000, granularity: 1, infinite: false },
  list: true,
  guarantee: {
    scope: 'network',
    expiry: 'shared clock',
    deadHolder: 'after its ttl',
    lateRequests: 'refused',
    exclusionAcross: { restart: true, failover: 'n/a', dataLoss: true, clockStep: true },
    fencingAcross: { restart: true, dataLoss: true },
    caveat:
      'Of N servers, ⌊(N − 1) / 2⌋ may be in trouble at a time (down, cut off, restarted without their data, their clock ' +
      'stepped), counting those that missed a hold when it was granted; with more, two can hold. A server that lost all its ' +
      'data takes part again after the longest ttl that was ever used, by its own clock, which must not be set forward ' +
      'meanwhile. One that comes back with a part of its data (a ' +
      'snapshot, appendfsync everysec, a replica) is not noticed: use appendfsync always, or no persistence at all. If ' +
      'more than half lose their data before any of them was noticed, they count as new.',
  },
}
