import { type ExamineRequest, type LockBackend, recordBackend, systemRuntime } from '@locks/core'
import type { MemjsClient } from './client.ts'
import { examine } from './examine.ts'
import { MemcachedStore } from './memcached-store.ts'
import { type MemcachedBackendOptions, settingsFrom } from './options.ts'
import { Servers } from './servers.ts'

/**
 * Locks on memcached: servers (`host:port,host:port`), a URL like `memcached://host:11211`, a client of memjs, or options.
 * Default: `localhost:11211`. Loads memjs and connects at the first use only.
 *
 * Throws a TypeError for options or a URL that it does not understand.
 */
export function memcachedBackend(options?: string | URL | MemjsClient | MemcachedBackendOptions): LockBackend {
  const settings = settingsFrom(options)
  const servers = new Servers(settings.servers)
  return Object.assign(recordBackend(new MemcachedStore(settings, servers, systemRuntime)), {
    examine: ({ timeout }: ExamineRequest) => examine(servers, timeout, systemRuntime),
  })
}
