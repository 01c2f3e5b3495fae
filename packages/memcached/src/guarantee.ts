import type { Guarantee } from '@locks/core'

/** Items live for whole seconds, of which one is added; records count milliseconds. */
export const TTL: { readonly min: number; readonly max: number; readonly infinite: boolean } = {
  min: 50,
  max: 365 * 86_400_000,
  infinite: true,
}

export const GUARANTEE: Guarantee = {
  scope: 'network',
  expiry: 'observation',
  deadHolder: 'after its ttl',
  lateRequests: 'refused',
  exclusionAcross: { restart: false, failover: 'n/a', dataLoss: false, clockStep: true },
  fencingAcross: { restart: 'clock', dataLoss: 'clock' },
  caveat:
    'memcached stores nothing: a restart, flush_all, or an eviction when memory is short ends holds, and two can hold until ' +
    "the first one's next renewal. Give locks a server of their own, with -M and room to spare. Where several servers are " +
    'named, each lock lives on one of them: all clients must name the same. Fencing tokens go on above a restart by the ' +
    "server's wall clock.",
}
