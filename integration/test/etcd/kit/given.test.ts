import { conformanceCases } from '@locks/core/conformance'
import { afterAll, test } from 'vitest'
import { target } from './targets/given.ts'

afterAll(() => target.close?.())

/** What it may matter for that a client was given: the rest is as without. */
const THEMES = /^(?:exclusion|unknown outcome|turmoil|outage|residue|capabilities)/

for (const { name, run, timeout } of conformanceCases(target)) if (THEMES.test(name)) test(name, run, timeout)
