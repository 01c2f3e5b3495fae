import { brokenBackends } from './broken-backends.ts'
import { coreMutants } from './core-mutants.ts'
import type { Flaw } from './flaw.ts'

/** All that the kit has been shown to catch, in broken backends and in changes of core: for the documentation. */
export const flaws: readonly Flaw[] = [...brokenBackends, ...coreMutants].map(({ flaw, caughtBy }) => ({
  flaw,
  caughtBy,
}))
