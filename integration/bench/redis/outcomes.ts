import { label, type Subject } from './contender.ts'
import { type Contention, contend, type Outcome } from './contention.ts'
import { interleaved, median } from './figures.ts'
import { requestsDuring } from './requests.ts'

export interface Effort {
  readonly rounds: number
  /** Milliseconds before each round that don't count. */
  readonly warmUp: number
  /** Milliseconds of each round. */
  readonly duration: number
}

/** What came of several rounds of contention, of those contenders that got through. */
export class Outcomes {
  readonly #rounds = new Map<Subject, Outcome[]>()

  static async of(
    subjects: readonly Subject[],
    url: string,
    contention: Contention,
    rounds: number,
  ): Promise<Outcomes> {
    const outcomes = new Outcomes()
    for (const subject of subjects) outcomes.#rounds.set(subject, [])
    await interleaved(subjects, rounds, async (subject) => {
      try {
        outcomes.#rounds.get(subject)?.push(await contend(subject, url, contention))
      } catch (error) {
        if (outcomes.#rounds.delete(subject))
          console.log(`✗ ${label(subject)} failed and is left out: ${error instanceof Error ? error.message : error}`)
      }
    })
    return outcomes
  }

  get subjects(): Subject[] {
    return [...this.#rounds.keys()]
  }

  /** A figure in each round. */
  all(subject: Subject | undefined, figure: keyof Outcome): number[] {
    return ((subject && this.#rounds.get(subject)) ?? []).map((outcome) => outcome[figure])
  }

  median(subject: Subject, figure: keyof Outcome): number {
    return median(this.all(subject, figure))
  }

  /** Names those that broke the lock's promise. */
  reportBreaches(): void {
    const total = (subject: Subject, figure: keyof Outcome): number =>
      this.all(subject, figure).reduce((sum, each) => sum + each, 0)
    for (const subject of this.subjects) {
      const overlaps = total(subject, 'overlaps')
      const disordered = total(subject, 'disordered')
      if (overlaps > 0) console.log(`  ✗ ${label(subject)}: ${overlaps} critical sections OVERLAPPED another`)
      if (disordered > 0) console.log(`  ✗ ${label(subject)}: ${disordered} fencing tokens did NOT RISE`)
    }
  }
}

/** Client requests for one critical section, in a run of its own. */
export async function requestsPerSection(subject: Subject, url: string, contention: Contention): Promise<number> {
  let outcome: Outcome | undefined
  const at = await requestsDuring(url, async () => {
    outcome = await contend(subject, url, contention)
  })
  const { from = 0, until = 0, sections = 0 } = outcome ?? {}
  return at.filter((time) => time >= from && time < until).length / sections
}
