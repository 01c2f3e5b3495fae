import type { Guarantee } from '@locks/core'

const LOCAL: Guarantee = {
  scope: 'host',
  expiry: 'shared clock',
  deadHolder: 'at once',
  lateRequests: 'refused',
  exclusionAcross: { restart: true, failover: 'n/a', dataLoss: false, clockStep: true },
  fencingAcross: { restart: true, dataLoss: 'clock' },
  caveat:
    'Holds between the processes of one host that use the same directory. Containers with process ids of their own find ' +
    "each other's dead holders only after the ttl. Who removes the directory ends all holds; their holders notice at the " +
    'next renewal.',
}

/** What is promised where: on a local or a network file system, and with or without a clock that processes share. */
export function guarantee(networkFileSystem: boolean, sharedClock: boolean): Guarantee {
  if (networkFileSystem)
    return {
      ...LOCAL,
      scope: 'network',
      expiry: 'observation',
      deadHolder: 'after its ttl',
      exclusionAcross: { ...LOCAL.exclusionAcross, failover: false },
      caveat:
        'Rests on the file server doing each rename exactly once and atomically, also across its own restart. Other ' +
        "hosts' dead holders are found by observation, after the ttl; releases of other hosts are noticed by polling, " +
        'late by what the client caches of directories. Who removes the directory ends all holds; their holders notice ' +
        'at the next renewal.',
    }
  return sharedClock ? LOCAL : { ...LOCAL, expiry: 'observation', deadHolder: 'after its ttl' }
}
