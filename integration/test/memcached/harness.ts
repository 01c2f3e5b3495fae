import { Lock, type LockBackend, type LockOptions } from '@locks/core'
import { memcachedBackend } from '@locks/memcached'
import { onTestFinished } from 'vitest'
import { type FaultyProxy, startProxy } from '../../faults/proxy.ts'
import { type MemcachedOptions, type MemcachedServer, startMemcached } from '../../servers/memcached-binary.ts'
import { poll } from '../../servers/poll.ts'
import type { Address } from '../../servers/resp.ts'

/** A server that goes with the test, and is old enough to grant at once. */
export async function memcached(options: MemcachedOptions = {}): Promise<MemcachedServer> {
  const server = await startMemcached(options)
  onTestFinished(() => server.stop())
  await poll('its first second is over', async () => (await server.stat('uptime')) >= 4)
  return server
}

export const hostOf = ({ host, port }: Address): string => `${host}:${port}`

/** What another process would have: a backend of its own, through a proxy of its own. It goes with the test. */
export class Party {
  readonly backend: LockBackend
  readonly proxy: FaultyProxy
  readonly #options: LockOptions

  constructor(backend: LockBackend, proxy: FaultyProxy, options: LockOptions) {
    this.backend = backend
    this.proxy = proxy
    this.#options = options
  }

  static async at(server: Address, options: LockOptions = {}): Promise<Party> {
    const proxy = await startProxy(server)
    const backend = memcachedBackend(hostOf(proxy))
    onTestFinished(async () => {
      await proxy.resume()
      await backend.close()
      proxy.close()
    })
    return new Party(backend, proxy, options)
  }

  lock(name: string, options: LockOptions = {}): Lock {
    return new Lock(name, { ...this.#options, ...options, backend: this.backend })
  }
}
