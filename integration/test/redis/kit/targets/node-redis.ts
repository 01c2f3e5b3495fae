import type { ConformanceTarget } from '@locks/core/conformance'
import { redisTarget } from '../target.ts'

export const target: ConformanceTarget = await redisTarget(import.meta.url, 'redis', 'node-redis')
