import { conformanceCases } from '@locks/core/conformance'
import { afterAll, test } from 'vitest'
import { target } from './targets/api.ts'

afterAll(() => target.close?.())
for (const { name, run, timeout } of conformanceCases(target)) test(name, run, timeout)
