import type { ConformanceTarget } from '@locks/core/conformance'
import { sharedMemory } from './shared-memory.ts'

/** Throws where nobody listens, while it answers as it should. */
const connect = sharedMemory((memory) => ({
  async inspect(request) {
    setTimeout(() => {
      throw new Error('thrown by a timer of the adapter')
    })
    return memory.inspect(request)
  },
}))

export const target: ConformanceTarget = { name: 'stray', capabilities: connect().capabilities, connect }
