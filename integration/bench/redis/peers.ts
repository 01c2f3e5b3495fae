// The other libraries, each as its documentation uses it, except that all may wait as long as it takes.
import { Redlock as SesamecareRedlock } from '@sesamecare-oss/redlock'
import { Verrou } from '@verrou/core'
import { redisStore } from '@verrou/core/drivers/redis'
import type { Redis } from 'ioredis'
import { Mutex } from 'redis-semaphore'
import NodeRedlock from 'redlock'
import { createLock, IoredisAdapter } from 'redlock-universal'
import { type Setting, type Taker, TTL } from './contender.ts'

const PATIENCE = 600_000

function redlockSettings({ delay }: Setting): { retryCount: number; retryDelay?: number; retryJitter?: number } {
  return { retryCount: -1, ...(delay === undefined ? {} : { retryDelay: delay, retryJitter: delay / 2 }) }
}

export const peers: Readonly<Record<string, (client: Redis, setting: Setting) => Taker>> = {
  redlock: (client, setting) => {
    const redlock = new NodeRedlock([client], redlockSettings(setting))
    return (key) => () => redlock.acquire([key], TTL)
  },
  '@sesamecare-oss/redlock': (client, setting) => {
    const redlock = new SesamecareRedlock([client], redlockSettings(setting))
    return (key) => () => redlock.acquire([key], TTL)
  },
  'redlock-universal': (client, { delay }) => {
    const adapter = new IoredisAdapter(client)
    const retries = { retryAttempts: PATIENCE, ...(delay === undefined ? {} : { retryDelay: delay }) }
    return (key) => {
      const lock = createLock({ adapter, key, ttl: TTL, ...retries })
      return async () => {
        const handle = await lock.acquire()
        return { release: () => lock.release(handle) }
      }
    }
  },
  '@verrou/core': (client, { delay }) => {
    const verrou = new Verrou({ default: 'redis', stores: { redis: { driver: redisStore({ connection: client }) } } })
    const retry = delay === undefined ? {} : { retry: { delay } }
    return (key) => async () => {
      const lock = verrou.createLock(key, TTL)
      if (!(await lock.acquire(retry))) throw new Error(`verrou gave up on ${key}`)
      return lock
    }
  },
  'redis-semaphore': (client, { delay }) => {
    const retry = delay === undefined ? {} : { retryInterval: delay }
    return (key) => async () => {
      const mutex = new Mutex(client, key, { lockTimeout: TTL, acquireTimeout: PATIENCE, ...retry })
      await mutex.acquire()
      return mutex
    }
  },
}

/** Those whose own delay between attempts isn't 10 ms already. */
export const slowByDefault: readonly string[] = Object.keys(peers).filter((name) => name !== 'redis-semaphore')
