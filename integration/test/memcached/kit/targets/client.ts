import type { ConformanceTarget } from '@locks/core/conformance'
import { memcachedTarget } from '../target.ts'

export const target: ConformanceTarget = await memcachedTarget(import.meta.url, undefined, 'client')
