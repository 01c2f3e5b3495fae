import { isNativeError } from 'node:util/types'
import { abort } from './cases/abort.ts'
import { capabilities } from './cases/capabilities.ts'
import { election } from './cases/election.ts'
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
import { processes } from './cases/processes.ts'
import { renewal } from './cases/renewal.ts'
import { residue } from './cases/residue.ts'
import { semaphore } from './cases/semaphore.ts'
import { shared } from './cases/shared.ts'
import { turmoil } from './cases/turmoil.ts'
import { unknownOutcome } from './cases/unknown-outcome.ts'
import { using } from './cases/using.ts'
import type { History } from './history.ts'
import { seedOf } from './random.ts'
import { Stage } from './stage.ts'
import { watchMachine } from './standstill.ts'
import type { ConformanceTarget } from './target.ts'
import type { CaseDefinition, Theme } from './theme.ts'
import { within } from './time.ts'
import { Violation } from './violation.ts'

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
  election,
  processes,
]

/** How often a case is run at most whose bounds the machine itself did not keep. */
const ATTEMPTS = 3

/** Hears of a case while it is run. */
export interface Observer {
  /** An attempt begins, and fills in who holds when. */
  begins?(history: History): void
  /** An attempt failed while the machine stood still for so many milliseconds: that says nothing, and there is another. */
  repeats?(stoodStill: number, failure: unknown): void
}

/** A case that applies to a target. */
export interface PlannedCase {
  readonly theme: string
  readonly title: string
  /** Milliseconds after which a runner should give up. */
  readonly timeout: number
  run(observer?: Observer): Promise<void>
}

/** A case that would apply if the target offered what it needs. */
export interface LeftOutCase {
  readonly theme: string
  readonly title: string
  /** `the fault "pause"`. */
  readonly needs: readonly string[]
}

export interface Plan {
  readonly seed: number
  readonly cases: readonly PlannedCase[]
  readonly leftOut: readonly LeftOutCase[]
}

/** Which cases a target has to pass, and which ones nobody can run without more of its author's help. */
export function plan(target: ConformanceTarget, seed: number = Math.floor(Math.random() * 2 ** 31)): Plan {
  const all = themes.flatMap(({ name: theme, cases }) => cases.map((definition) => ({ theme, definition })))
  const cases: PlannedCase[] = []
  const leftOut: LeftOutCase[] = []
  for (const { theme, definition } of all) {
    const missing = (definition.needs ?? []).filter((need) => !need.met(target))
    if (missing.length === 0) cases.push(planned(target, theme, definition, seed))
    else if (missing.every(({ optional }) => optional))
      leftOut.push({ theme, title: definition.title, needs: missing.map(({ what }) => what) })
  }
  return { seed, cases, leftOut }
}

function planned(target: ConformanceTarget, theme: string, definition: CaseDefinition, seed: number): PlannedCase {
  const { title } = definition
  const { ttl, patience } = new Stage(target)
  const limit = 45_000 + 4 * patience + 20 * ttl
  return {
    theme,
    title,
    // A runner sees the case's own complaint, not just that its time ran out.
    timeout: ATTEMPTS * limit + 15_000,
    run: async (observer = {}) => {
      for (let attempt = 1; ; attempt += 1) {
        const stage = new Stage(target, seedOf(seed, title))
        observer.begins?.(stage.history)
        const standstill = await watchMachine()
        try {
          return await tried(stage, definition, limit, seed)
        } catch (error) {
          if (attempt === ATTEMPTS || error instanceof Violation) throw error
          const stoodStill = await standstill()
          if (stoodStill === 0) throw error
          observer.repeats?.(stoodStill, error)
        }
      }
    },
  }
}

async function tried(stage: Stage, { title, body }: CaseDefinition, limit: number, seed: number): Promise<void> {
  try {
    // That two held at once explains whatever else went wrong.
    await within(limit, title, body(stage)).finally(() => stage.history.assertApart())
  } catch (error) {
    // Under Jest, errors of Node.js itself are no instances of its `Error`.
    if (isNativeError(error)) {
      // What was left to chance can be had again.
      if (stage.drawn) error.message += ` (seed ${seed})`
      // Node.js 24 puts an option of its own there, and vitest takes it for a difference to be shown.
      Reflect.deleteProperty(error, 'diff')
    }
    throw error
  } finally {
    await stage.close()
  }
}
