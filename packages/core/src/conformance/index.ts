/**
 * The conformance kit: what every backend must do, as cases for any test runner.
 *
 *     for (const { name, run, timeout } of conformanceCases(target)) test(name, run, timeout)
 */
import { abort } from './cases/abort.ts'
import { capabilities } from './cases/capabilities.ts'
import { exclusion } from './cases/exclusion.ts'
import { expiry } from './cases/expiry.ts'
import { fairness } from './cases/fairness.ts'
import { fencing } from './cases/fencing.ts'
import { handOver } from './cases/hand-over.ts'
import { inspection } from './cases/inspection.ts'
import { localDeadline } from './cases/local-deadline.ts'
import { names } from './cases/names.ts'
import { outage } from './cases/outage.ts'
import { ownership } from './cases/ownership.ts'
import { renewal } from './cases/renewal.ts'
import { residue } from './cases/residue.ts'
import { semaphore } from './cases/semaphore.ts'
import { shared } from './cases/shared.ts'
import { turmoil } from './cases/turmoil.ts'
import { unknownOutcome } from './cases/unknown-outcome.ts'
import { using } from './cases/using.ts'
import { Stage } from './stage.ts'
import type { ConformanceCase, ConformanceTarget } from './target.ts'
import type { CaseDefinition, Theme } from './theme.ts'
import { within } from './time.ts'

export type { ConformanceCase, ConformanceFaults, ConformanceTarget } from './target.ts'

const themes: readonly Theme[] = [
  exclusion,
  localDeadline,
  renewal,
  ownership,
  unknownOutcome,
  outage,
  turmoil,
  abort,
  using,
  fencing,
  residue,
  fairness,
  names,
  capabilities,
  expiry,
  shared,
  semaphore,
  inspection,
  handOver,
]

/** The cases that apply to a target. Each makes its own clients and closes them, and uses lock names of its own. */
export function conformanceCases(target: ConformanceTarget): readonly ConformanceCase[] {
  return themes.flatMap(({ name, cases }) =>
    cases
      .filter(({ needs = [] }) => needs.every((need) => need(target)))
      .map((definition) => makeCase(target, `${name}: ${definition.title}`, definition)),
  )
}

function makeCase(target: ConformanceTarget, name: string, { body }: CaseDefinition): ConformanceCase {
  const { ttl, patience } = new Stage(target)
  const limit = 45_000 + 4 * patience + 20 * ttl
  return {
    name,
    // A runner sees the case's own complaint, not just that its time ran out.
    timeout: limit + 15_000,
    run: async () => {
      const stage = new Stage(target)
      try {
        await within(limit, name, body(stage))
      } finally {
        await stage.close()
      }
    },
  }
}
