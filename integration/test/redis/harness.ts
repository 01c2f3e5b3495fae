import { Lock, type LockBackend, type LockOptions } from '@locks/core'
import { redisBackend } from '@locks/redis'
import { onTestFinished } from 'vitest'
import { type FaultyProxy, startProxy } from '../../faults/proxy.ts'
import { ScriptProcess } from '../../faults/script-process.ts'
import { type RedisOptions, type RedisServer, startRedis } from '../../servers/redis-binary.ts'
import type { Address } from '../../servers/resp.ts'

export { backendError, lossOf, lost, now } from '../outcomes.ts'

/** A server that goes with the test. */
export async function redis(options: RedisOptions = {}): Promise<RedisServer> {
  const server = await startRedis(options)
  onTestFinished(() => server.stop())
  return server
}

/** A proxy that goes with the test. */
export async function proxyTo(server: Address): Promise<FaultyProxy> {
  const proxy = await startProxy(server)
  onTestFinished(() => proxy.close())
  return proxy
}

export const urlOf = ({ host, port }: Address): string => `redis://${host}:${port}`

/** What another process would have: a backend of its own. It goes with the test. */
export class Party {
  readonly backend: LockBackend
  readonly #options: LockOptions

  constructor(given: Parameters<typeof redisBackend>[0], options: LockOptions = {}) {
    this.backend = redisBackend(given)
    this.#options = options
    onTestFinished(() => this.backend.close())
  }

  lock(name: string, options: LockOptions = {}): Lock {
    return new Lock(name, { ...this.#options, ...options, backend: this.backend })
  }
}

export async function keysOn(server: RedisServer): Promise<readonly string[]> {
  const found = (await server.command('KEYS', '*')) as readonly string[]
  return [...found].sort()
}

/** A process with a backend of its own, by the methods of `children/party.ts`. It goes with the test. */
export function process(server: Address): ScriptProcess {
  const started = new ScriptProcess(new URL('children/party.ts', import.meta.url), { args: [urlOf(server)] })
  onTestFinished(() => started.kill())
  return started
}
