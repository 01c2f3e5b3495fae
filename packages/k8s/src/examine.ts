import { elapsed, type Finding, type Runtime } from '@locks/core'
import { accessTo } from './access.ts'
import type { ManagedFields } from './client.ts'
import { findingsFrom } from './findings.ts'
import { freeLease } from './lease.ts'
import type { Settings } from './options.ts'
import type { Requests } from './requests.ts'

const ROUNDS = 5
/** What is read or tried under this name is never stored. */
const PROBE = 'locks-doctor-probe'

/** Asks the cluster what locks rest on. Rejects if it doesn't answer. Stores nothing. */
export async function examine(
  requests: Requests,
  { leaseName, canWatch, serverClockSkew }: Settings,
  timeout: number,
  runtime: Runtime,
): Promise<readonly Finding[]> {
  const cluster = await requests.cluster()
  const access = await accessTo(cluster, leaseName, timeout)
  const trips: number[] = []
  for (let round = 0; access.get !== false && round < ROUNDS; round += 1) {
    const before = runtime.now()
    await requests.read(undefined, leaseName ?? PROBE, timeout)
    trips.push(elapsed(runtime, before))
  }
  return findingsFrom({
    namespace: cluster.namespace,
    server: cluster.server,
    canWatch,
    access,
    stamps:
      access.create === false
        ? undefined
        : isStamped(await requests.pretend(freeLease(PROBE, cluster.namespace, undefined), timeout)),
    serverClockSkew,
    latency: trips.sort((a, b) => a - b)[trips.length >> 1],
    timeout,
  })
}

const isStamped = (fields: readonly ManagedFields[]): boolean =>
  fields.some(({ time, fieldsV1 = {} }) => time !== undefined && 'f:spec' in fieldsV1)
