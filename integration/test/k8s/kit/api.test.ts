import { conformanceCases } from '@locks/core/conformance'
import { afterAll, test } from 'vitest'
import { target } from './targets/api.ts'

afterAll(() => target.close?.())
/** What it may matter for that nothing can be watched: the rest is as with a kubeconfig. */
const THEMES = /^(?:exclusion|unknown outcome|outage|fairness|shared|semaphore|expiry|residue|capabilities)/

for (const { name, run, timeout } of conformanceCases(target)) if (THEMES.test(name)) test(name, run, timeout)
