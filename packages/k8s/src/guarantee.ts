import type { Guarantee } from '@locks/core'

/** Leases count whole seconds for other tools; the record beside them milliseconds. */
export const TTL: { readonly min: number; readonly max: number } = { min: 1_000, max: 365 * 86_400_000 }

/** What Leases can promise, with or without takeovers by the server's stamps. */
export const guaranteeOf = (serverStamps: boolean): Guarantee => ({
  scope: 'network',
  expiry: 'observation',
  deadHolder: 'after its ttl',
  lateRequests: 'refused',
  exclusionAcross: { restart: true, failover: true, dataLoss: false, clockStep: !serverStamps },
  fencingAcross: { restart: true, dataLoss: false },
  caveat:
    'No clock of a client matters. ' +
    (serverStamps
      ? 'Who looks at a lock for the first time also goes by the stamps of the API servers: if one of their clocks is ' +
        'set forward by more than serverClockSkew, or differs by more from the others, two can hold until the first ' +
        "one's next renewal; `serverClockSkew: Infinity` switches that off. "
      : 'Who looks at a lock for the first time waits for its whole ttl to see whether a dead holder has it. ') +
    'A Lease that somebody deletes is a lost lock; a cluster restored from a backup has lost locks, and counts its ' +
    'versions, so fencing tokens, from there again.',
})
