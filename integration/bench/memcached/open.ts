// What is compared on memcached: this backend, a lock of `add` and `delete` over memjs, and one that polls with `add`.
import { setTimeout as sleep } from 'node:timers/promises'
import { createLocks } from '@locks/core'
import { memcachedBackend } from '@locks/memcached'
import { Client } from 'memjs'
import type { Opened } from '../beside-bare.ts'
import { type Subject, type Taker, TTL } from '../redis/contender.ts'

export const OURS = '@locks/memcached'
/** Two requests, which release whatever is there. */
export const PAIR = 'bare add + delete'
/** The same, tried again until it is there. */
export const POLLING = 'bare add, polled'

export async function open({ name, setting }: Subject, host: string): Promise<Opened> {
  if (name === OURS) {
    const locks = createLocks({ backend: memcachedBackend(host), ttl: TTL, timeout: 60_000 })
    // A server that has only just begun grants nothing yet.
    await locks.lock('warm-up').using(() => undefined)
    const take: Taker = (key) => {
      const lock = locks.lock(key)
      return () => lock.acquire()
    }
    return { take, close: () => locks.close() }
  }
  const client = Client.create(host)
  const takers: Record<string, Taker> = {
    [PAIR]: (key) => () => pair(client, key),
    [POLLING]: (key) => () => polling(client, key, setting.delay ?? 10),
  }
  const take = takers[name]
  if (take === undefined) throw new Error(`unknown: ${name}`)
  return { take, close: async () => client.close() }
}

const EXPIRES = { expires: TTL / 1_000 + 1 }

async function pair(client: Client, key: string) {
  if (!(await client.add(key, 'owner', EXPIRES))) throw new Error('somebody else has it')
  return { release: () => client.delete(key) }
}

async function polling(client: Client, key: string, delay: number) {
  while (!(await client.add(key, 'owner', EXPIRES))) await sleep(delay)
  return { release: () => client.delete(key) }
}
