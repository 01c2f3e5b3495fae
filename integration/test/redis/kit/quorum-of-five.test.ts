import { conformanceCases } from '@locks/core/conformance'
import { afterAll, test } from 'vitest'

process.env.LOCKS_TEST_QUORUM_SERVERS = '5'
const { target } = await import('../quorum-target.ts')

afterAll(() => target.close?.())

/** What the number of servers may change. */
const THEMES = /^(?:exclusion|unknown outcome|turmoil|outage|fencing|shared)/

for (const { name, run, timeout } of conformanceCases(target)) if (THEMES.test(name)) test(name, run, timeout)
