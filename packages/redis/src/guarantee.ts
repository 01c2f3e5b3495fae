import type { Capabilities } from '@locks/core'

/** What one Redis or Valkey (with or without replicas and Sentinels) or a Cluster can promise. */
export const CAPABILITIES: Capabilities = {
  modes: ['exclusive', 'shared', 'semaphore'],
  queue: 'fifo',
  wakeup: 'push',
  ttl: { min: 50, max: 30 * 86_400_000, granularity: 1, infinite: true },
  list: true,
  guarantee: {
    scope: 'network',
    expiry: 'shared clock',
    deadHolder: 'after its ttl',
    lateRequests: 'refused',
    exclusionAcross: { restart: true, failover: false, dataLoss: false, clockStep: false },
    fencingAcross: { restart: true, dataLoss: 'clock' },
    caveat:
      'A restart keeps the promise only if the server writes each change to disk before it answers (appendonly yes, ' +
      'appendfsync always). A failover can lose what had not reached the replica: then two hold until the first of them ' +
      "renews. A step of the server's clock is noticed within a second of it, and leases that it ended are lost from then " +
      'on; until then two can hold. An eviction (maxmemory-policy other than noeviction) ends holds likewise.',
  },
}
