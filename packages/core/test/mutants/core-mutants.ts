import type { CoreMutant } from './core/core-mutant.ts'
import { elections } from './core/elections.ts'
import { holds } from './core/holds.ts'
import { records } from './core/records.ts'
import { waiting } from './core/waiting.ts'

/** Changes of a line of the shipped code, each. */
export const coreMutants: readonly CoreMutant[] = [...holds, ...waiting, ...records, ...elections]
