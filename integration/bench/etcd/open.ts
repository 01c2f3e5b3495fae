// What is compared on etcd: this backend, etcd3's own lock, and the bare requests.
import { setTimeout as sleep } from 'node:timers/promises'
import { createLocks } from '@locks/core'
import { etcdBackend } from '@locks/etcd'
import { Etcd3, EtcdLockFailedError, type IKeyValue } from 'etcd3'
import type { Opened } from '../beside-bare.ts'
import { type Subject, type Taker, TTL } from '../redis/contender.ts'

export const OURS = '@locks/etcd'
/** A transaction that puts a key on a lease if it isn't there, and a removal. */
export const PAIR = 'the bare pair'
/** A key for each waiter, of which each watches the one before its own. */
export const QUEUE = 'a bare queue'
/** `lock()` of etcd3, which doesn't wait: it is tried again. */
export const LOCK = 'etcd3 lock()'

const RETRY = 2

export async function open({ name, setting }: Subject, host: string): Promise<Opened> {
  if (name === OURS) {
    const { fair } = setting
    const locks = createLocks({
      backend: etcdBackend(host),
      ttl: TTL,
      timeout: 60_000,
      ...(fair !== undefined && { fair }),
    })
    const take: Taker = (key) => {
      const lock = locks.lock(key)
      return () => lock.acquire()
    }
    return { take, close: () => locks.close() }
  }
  const client = new Etcd3({ hosts: host })
  const { ID } = await client.leaseClient.leaseGrant({ TTL: 600 })
  const { removal, end } = await removals(client)
  const close = async (): Promise<void> => {
    end()
    await client.leaseClient.leaseRevoke({ ID })
    client.close()
  }
  const takers: Record<string, Taker> = {
    [PAIR]: (key) => () => pair(client, key, ID),
    [QUEUE]: (key) => () => queue(client, removal, key, ID),
    [LOCK]: (key) => () => lock(client, key),
  }
  const take = takers[name]
  if (take === undefined) throw new Error(`unknown: ${name}`)
  return { take, close }
}

async function pair({ kv }: Etcd3, name: string, lease: string) {
  const key = Buffer.from(name)
  const { succeeded } = await kv.txn({
    compare: [{ key, target: 'Create', result: 'Equal', create_revision: '0' }],
    success: [{ request_put: { key, value: Buffer.from('owner'), lease } }],
    failure: [],
  })
  if (!succeeded) throw new Error('somebody else has it')
  return { release: () => kv.deleteRange({ key }) }
}

/** Resolves when a key is removed, in that revision or later. */
type Removal = (key: Buffer, revision: string) => Promise<void>

/** Over one stream, as few messages as can be. */
async function removals({ watchClient }: Etcd3): Promise<{ readonly removal: Removal; readonly end: () => void }> {
  const stream = await watchClient.watch()
  const waiting = new Map<string, () => void>()
  let watches = 0
  stream.on('error', () => undefined)
  stream.on('data', ({ watch_id, events }) => {
    if (events.length === 0) return
    waiting.get(watch_id)?.()
    waiting.delete(watch_id)
    stream.write({ cancel_request: { watch_id } })
  })
  const removal: Removal = (key, start_revision) =>
    new Promise((resolve) => {
      watches += 1
      const watch_id = String(watches)
      waiting.set(watch_id, resolve)
      stream.write({ create_request: { key, start_revision, watch_id, filters: ['Noput'] } })
    })
  return { removal, end: () => stream.cancel() }
}

let count = 0

async function queue(client: Etcd3, removal: Removal, name: string, lease: string) {
  count += 1
  const own = Buffer.from(`${name}/${process.pid}.${count}`)
  const range = { key: Buffer.from(`${name}/`), range_end: Buffer.from(`${name}0`) }
  const { header, responses } = await client.kv.txn({
    compare: [],
    success: [
      { request_put: { key: own, value: Buffer.from('owner'), lease } },
      { request_range: { ...range, sort_target: 'Create', sort_order: 'Descend', limit: 2, keys_only: true } },
    ],
    failure: [],
  })
  const kvs: readonly IKeyValue[] = responses[1]?.response_range?.kvs ?? []
  const before = kvs.find(({ key }) => !key.equals(own))
  if (before !== undefined) await removal(before.key, String(BigInt(header.revision) + 1n))
  return { release: () => client.kv.deleteRange({ key: own }) }
}

async function lock(client: Etcd3, name: string) {
  for (;;) {
    const mine = client.lock(name).ttl(TTL / 1_000)
    try {
      await mine.acquire()
      return { release: () => mine.release() }
    } catch (error) {
      if (!(error instanceof EtcdLockFailedError)) throw error
      await sleep(RETRY)
    }
  }
}
