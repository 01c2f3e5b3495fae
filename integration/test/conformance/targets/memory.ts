import type { ConformanceTarget } from '@locks/core/conformance'
import { sharedMemory } from './shared-memory.ts'

const connect = sharedMemory()

console.log('the adapter logs something')
// Nothing of this lets the process go.
setInterval(() => undefined, 1_000)

export const target: ConformanceTarget = { name: 'memory', capabilities: connect().capabilities, connect }
