import type { ConformanceTarget } from '@locks/core/conformance'
import { sharedMemory } from './shared-memory.ts'

let attempts = 0

/** Every third attempt is granted, whoever holds. */
const connect = sharedMemory((memory) => ({
  async acquire(request) {
    attempts += 1
    if (attempts % 3 === 0) await memory.forceRelease(request)
    return memory.acquire(request)
  },
}))

export const target: ConformanceTarget = {
  name: 'greedy </script><b>memory</b>',
  capabilities: connect().capabilities,
  connect,
}
