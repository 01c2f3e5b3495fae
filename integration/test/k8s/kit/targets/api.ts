import type { ConformanceTarget } from '@locks/core/conformance'
import { k8sTarget } from '../target.ts'

export const target: ConformanceTarget = await k8sTarget(import.meta.url, 'api')
