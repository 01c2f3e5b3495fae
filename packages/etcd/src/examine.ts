import { elapsed, type Finding } from '@locks/core'
import type { EtcdClient, StatusAnswer } from './client.ts'
import { isPassing } from './failure.ts'
import { type Facts, findingsFrom, type MemberFacts } from './findings.ts'
import type { Store } from './store.ts'

const ROUNDS = 5
/** As long as any lease that a lock is likely to have. */
const SECONDS = 1

type Reading<T> = T | Error

/** Asks all members what locks rest on. Rejects if none answers. Leaves nothing behind but a lease of seconds. */
export async function examine(
  { members, prefix, runtime }: Store,
  timeout: number,
  minTtl: number,
): Promise<readonly Finding[]> {
  // Rejects where locks would.
  const { answer: minimum } = await members.ask(undefined, 'examining', timeout, leastLease)
  const options = () => ({ deadline: Date.now() + timeout })
  const clients = await members.clients()
  const statuses = await Promise.all(clients.map((client) => statusOf(client, options())))
  const [client] = clients.filter((_, at) => !(statuses[at] instanceof Error))
  const asked = client ?? (clients[0] as EtcdClient)
  const trips: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = runtime.now()
    await members.ask(undefined, 'examining', timeout, (one, given) =>
      one.kv.range({ key: Buffer.from(`${prefix}!`), keys_only: true }, given),
    )
    trips.push(elapsed(runtime, before))
  }
  const facts: Facts = {
    members: statuses.map((status, at): MemberFacts => ({ name: members.nameOf(at), status })),
    alarms: await reading(asked.maintenance?.alarm({ action: 0, memberID: '0', alarm: 0 }, options())),
    list: await reading(asked.cluster?.memberList({}, options())),
    minimum: minimum instanceof Error ? minimum : minimum * 1_000,
    minTtl,
    latency: trips.sort((a, b) => a - b)[ROUNDS >> 1] ?? 0,
    timeout,
    prefix,
  }
  return findingsFrom(facts)
}

/** The seconds that the shortest lease gets. */
async function leastLease(client: EtcdClient, options: { readonly deadline: number }): Promise<Reading<number>> {
  try {
    const { ID, TTL } = (await client.leaseClient.leaseGrant({ TTL: SECONDS }, options)) as { ID: string; TTL: string }
    await client.leaseClient.leaseRevoke({ ID }, options)
    return Number(TTL)
  } catch (error) {
    if (isPassing(error) || !(error instanceof Error)) throw error
    return error
  }
}

async function statusOf(
  { maintenance }: EtcdClient,
  options: { readonly deadline: number },
): Promise<Reading<StatusAnswer>> {
  return (await reading(maintenance?.status(options))) as Reading<StatusAnswer>
}

async function reading(answer: Promise<unknown> | undefined): Promise<unknown> {
  if (answer === undefined) return new Error('this client has no way to ask')
  try {
    return await answer
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}
