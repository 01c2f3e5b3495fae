import type { Capabilities } from '@locks/core'

/** What etcd's election timeout of a second, which is its default, leads to: leases are at least half again as long. */
export const DEFAULT_MIN_TTL = 2_000

/** What an etcd can promise, a single one or a cluster of them, that grants leases from `min` milliseconds on. */
export const capabilitiesOf = (min: number): Capabilities => ({
  modes: ['exclusive', 'shared', 'semaphore'],
  queue: 'fifo',
  wakeup: 'push',
  ttl: { min, max: 365 * 86_400_000, granularity: 1, infinite: true },
  list: true,
  guarantee: {
    scope: 'network',
    expiry: 'shared clock',
    deadHolder: 'after its ttl',
    lateRequests: 'refused',
    exclusionAcross: { restart: true, failover: true, dataLoss: false, clockStep: true },
    fencingAcross: { restart: true, dataLoss: false },
    caveat:
      'A majority of the members must be up and in touch. Leases are of whole seconds: a silent holder is replaced up to ' +
      'a second and a half after its ttl. etcd before 3.4.31 and 3.5.13 has a flaw (etcd issue 15247): a leader whose disk ' +
      'hangs may end leases that another one renews; their holders learn it at their next renewal, and until then two can ' +
      'hold. A cluster restored from a backup has lost locks, and counts revisions, so fencing tokens, from there again.',
  },
})
