export type { MemjsClient, MemjsResponse, MemjsServer } from './client.ts'
export { memcachedBackend } from './memcached-backend.ts'
export type { MemcachedBackendOptions } from './options.ts'
