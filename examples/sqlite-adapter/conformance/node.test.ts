import { after, test } from 'node:test'
import { conformanceCases } from '@locks/core/conformance'
import { target } from './target.ts'

for (const { name, run, timeout } of conformanceCases(target)) test(name, { timeout }, run)

after(() => target.close?.())
