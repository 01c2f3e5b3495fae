import { Lock } from '@locks/core'
import { redisBackend } from '@locks/redis'
import { Redis } from 'ioredis'
import type { Setting, Subject, Taker } from './contender.ts'
import { bareCommands, tokenQueue } from './floor.ts'
import { peers } from './peers.ts'

export const BARE = 'bare commands'
export const QUEUE = 'BLPOP queue'
export const OURS = '@locks/redis'

export interface Opened {
  readonly take: Taker
  close(): Promise<void>
}

/** Ours with its timeout long enough for any wait here. */
function own(url: string, { fair }: Setting): Opened {
  const backend = redisBackend(url)
  const options = { backend, timeout: 600_000, ...(fair === undefined ? {} : { fair }) }
  return {
    take: (key) => {
      const lock = new Lock(key, options)
      return () => lock.acquire()
    },
    close: () => backend.close(),
  }
}

/** Connects a contender to the server at `url`. */
export async function open({ name, setting }: Subject, url: string): Promise<Opened> {
  if (name === OURS) return own(url, setting)
  const client = new Redis(url, { enableAutoPipelining: setting.autoPipelining === true })
  const close = async (): Promise<void> => client.disconnect()
  if (name === BARE) return { take: await bareCommands(client), close }
  if (name === QUEUE) return { take: tokenQueue(client), close }
  const peer = peers[name]
  if (peer === undefined) throw new Error(`no contender ${name}`)
  await client.ping()
  return { take: peer(client, setting), close }
}
