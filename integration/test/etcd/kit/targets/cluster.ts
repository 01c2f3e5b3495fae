import type { ConformanceTarget } from '@locks/core/conformance'
import { etcdTarget } from '../target.ts'

export const target: ConformanceTarget = await etcdTarget(import.meta.url, 'cluster', 'own')
