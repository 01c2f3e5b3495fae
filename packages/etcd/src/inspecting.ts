import type { LockKey, LockState } from '@locks/core'
import type { KeyValue, RangeAnswer } from './client.ts'
import { listRange, nameOf, placeOf } from './keys.ts'
import { holderState, holdersAmong } from './record.ts'
import { ranges, readAll } from './requests.ts'
import type { Store } from './store.ts'

const PAGE = 1_000

/** Who holds and how many wait. */
export async function inspect(
  { members, prefix, remaining }: Store,
  key: LockKey,
  timeout: number,
): Promise<LockState> {
  const { answer } = await members.txn(key, 'inspecting', timeout, readAll(placeOf(prefix, key)))
  const contenders = ranges(answer.responses)[0] ?? []
  const holders = holdersAmong(contenders)
  const leases = [...new Set(holders.map(({ lease }) => lease))].filter((lease) => lease !== '0')
  const left = new Map<string, number>()
  const ask = async (ID: string): Promise<void> => {
    const { answer } = await members.ask(key, 'inspecting', timeout, (client, options) =>
      client.leaseClient.leaseTimeToLive({ ID }, options),
    )
    left.set(ID, remaining.of(ID, Number((answer as { readonly TTL: string }).TTL)))
  }
  await Promise.all(leases.map(ask))
  const state = (kv: KeyValue) => holderState(kv, left.get(kv.lease))
  return { holders: holders.map(state), waiters: contenders.length - holders.length }
}

/** The names of a namespace that are held or waited for. */
export async function list(
  { members, prefix }: Store,
  namespace: string,
  namePrefix: string,
  timeout: number,
): Promise<readonly string[]> {
  const names = new Set<string>()
  const range = listRange(prefix, namespace, namePrefix)
  for (let key: Buffer | undefined = range.key; key !== undefined; ) {
    const request = { key, range_end: range.range_end, keys_only: true, limit: PAGE }
    const { answer } = await members.ask(undefined, 'listing', timeout, (client, options) =>
      client.kv.range(request, options),
    )
    const { kvs, more } = answer as RangeAnswer
    for (const kv of kvs) {
      const name = nameOf(kv.key, prefix, namespace)
      if (name !== undefined) names.add(name)
    }
    const last: KeyValue | undefined = kvs.at(-1)
    key = more && last !== undefined ? Buffer.concat([last.key, Buffer.alloc(1)]) : undefined
  }
  return [...names].sort()
}
