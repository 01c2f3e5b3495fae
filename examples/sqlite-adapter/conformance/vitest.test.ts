import { conformanceCases } from '@locks/core/conformance'
import { afterAll, test } from 'vitest'
import { target } from './target.ts'

for (const { name, run, timeout } of conformanceCases(target)) test(name, run, timeout)

afterAll(() => target.close?.())
