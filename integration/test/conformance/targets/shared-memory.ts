import { type LockBackend, memoryBackend } from '@locks/core'

/** Clients of one memory, each with parts of its own. Closing one leaves the memory to the others. */
export function sharedMemory(parts: (memory: LockBackend) => Partial<LockBackend> = () => ({})): () => LockBackend {
  const memory = memoryBackend()
  return () => ({
    name: memory.name,
    location: memory.location,
    capabilities: memory.capabilities,
    runtime: memory.runtime,
    acquire: (request) => memory.acquire(request),
    cancel: (request) => memory.cancel(request),
    renew: (request) => memory.renew(request),
    release: (request) => memory.release(request),
    inspect: (request) => memory.inspect(request),
    forceRelease: (request) => memory.forceRelease(request),
    list: (request) => memory.list(request),
    close: async () => undefined,
    ...parts(memory),
  })
}
