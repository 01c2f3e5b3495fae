// What no lock can beat: the bare commands.
import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import { type Take, type Taker, TTL } from './contender.ts'

const COMPARE_AND_DELETE =
  "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"

/** SET NX and a script that compares and deletes. For keys that nobody else wants: it never waits. */
export async function bareCommands(client: Redis): Promise<Taker> {
  const script = (await client.script('LOAD', COMPARE_AND_DELETE)) as string
  const owner = randomUUID()
  let count = 0
  return (key) => async () => {
    const token = `${owner}:${count++}`
    if ((await client.set(key, token, 'PX', TTL, 'NX')) !== 'OK') throw new Error(`${key} was taken`)
    return { release: () => client.evalsha(script, 1, key, token) }
  }
}

/** A list with one token in it: BLPOP takes it, LPUSH gives it back. A holder that dies takes it along. */
export function tokenQueue(client: Redis): Taker {
  const filled = new Map<string, Promise<unknown>>()
  const fill = async (key: string): Promise<void> => {
    if ((await client.set(`${key}:filled`, '1', 'PX', TTL, 'NX')) === 'OK') await client.lpush(key, 'token')
  }
  return (key): Take => {
    // Who waits blocks its connection.
    const own = client.duplicate()
    const ready = filled.get(key) ?? fill(key)
    filled.set(key, ready)
    return async () => {
      await ready
      await own.blpop(key, 0)
      return { release: () => own.lpush(key, 'token') }
    }
  }
}
