import type { ConformanceTarget } from '@locks/core/conformance'
import { sharedMemory } from './shared-memory.ts'

const connect = sharedMemory(() => ({ release: async () => process.exit(0) }))

export const target: ConformanceTarget = { name: 'leaving', capabilities: connect().capabilities, connect }
