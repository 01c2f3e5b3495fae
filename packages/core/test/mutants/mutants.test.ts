import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { BrokenBackend } from './broken/broken-backend.ts'
import { brokenBackends } from './broken-backends.ts'
import type { CoreMutant } from './core/core-mutant.ts'
import { coreMutants } from './core-mutants.ts'
import { type Flaw, takesLong } from './flaw.ts'
import { type Fate, report } from './report.ts'
import { Sandbox } from './sandbox.ts'
import { NOTHING, pooled, type Search, tryCases, trySeeds, type Verdict } from './trial.ts'

/** Those that must pass get more of the machine; the others wait most of the time. */
const SOUND_AT_ONCE = 3
const FLAWED_AT_ONCE = 6
/** Sound cases that share a process. */
const BATCH = 6
/** Of the simulation: what it is asked for, it finds within a few dozen. */
const SEEDS = 500
const TIMEOUT = 300_000
const TRIES = 3

interface Batch {
  readonly target: string
  readonly names: readonly string[]
}

/** All cases that catch something, with the target on which they do so, unbroken. */
function soundBatches(): readonly Batch[] {
  const names = new Map<string, Set<string>>()
  const note = (target: string, name: string): unknown => names.set(target, (names.get(target) ?? new Set()).add(name))
  for (const { sound = 'unbroken', caughtBy } of brokenBackends) note(sound, caughtBy)
  for (const { target, caughtBy } of coreMutants) note(target, caughtBy)
  const batches: Batch[] = []
  for (const [target, some] of names)
    for (let rest = [...some]; rest.length > 0; rest = rest.slice(BATCH))
      batches.push({ target, names: rest.slice(0, BATCH) })
  return batches
}

const sandbox = await Sandbox.make()
process.env.NODE_COMPILE_CACHE = join(sandbox.folder, 'compiled')

const batches = soundBatches()
const sound = pooled(batches, SOUND_AT_ONCE, ({ target, names }) => tryCases(sandbox.sound, target, names))

const verdictOn = async (tried: Promise<Map<string, Verdict>>, name: string): Promise<Verdict> =>
  (await tried).get(name) as Verdict

interface Trial {
  readonly verdict: Verdict
  /** By the simulation. */
  readonly search?: Search | undefined
}

/** Some cases leave to chance whether they meet the flaw: a flaw is missed if they don't in several tries. */
async function untilCaught(attempt: () => Promise<Verdict>): Promise<Verdict> {
  let verdict = await attempt()
  for (let tries = 1; verdict.outcome === 'passed' && tries < TRIES; tries += 1) verdict = await attempt()
  return verdict
}

const tryBroken = async ({ flaw, caughtBy }: BrokenBackend): Promise<Trial> => {
  const attempt = () => verdictOn(tryCases(sandbox.sound, `broken:${flaw}`, [caughtBy]), caughtBy)
  return { verdict: await untilCaught(attempt) }
}

const tryMutant = (mutant: CoreMutant): Promise<Trial> =>
  sandbox.withMutant(mutant, async (folder) => {
    const attempt = () => verdictOn(tryCases(folder, mutant.target, [mutant.caughtBy]), mutant.caughtBy)
    const verdict = await untilCaught(attempt)
    return { verdict, search: mutant.simulated === true ? await trySeeds(folder, SEEDS) : undefined }
  })

const all: readonly (BrokenBackend | CoreMutant)[] = [...brokenBackends, ...coreMutants]
const soundOver = Promise.all(sound.values())
const trials = pooled(
  all.toSorted((a, b) => Number(takesLong(b)) - Number(takesLong(a))),
  FLAWED_AT_ONCE,
  async (flawed) => {
    if (!takesLong(flawed)) await soundOver
    return 'file' in flawed ? tryMutant(flawed) : tryBroken(flawed)
  },
)

const tried = new Map<Flaw, Trial>()

async function assertCaught(flawed: BrokenBackend | CoreMutant): Promise<void> {
  const trial = (await trials.get(flawed)) as Trial
  tried.set(flawed, trial)
  expect(trial.verdict.outcome, trial.verdict.said).toBe('complained')
}

afterAll(async () => {
  const fates = (flaws: readonly Flaw[]): readonly Fate[] =>
    flaws.map((flaw) => {
      const trial = tried.get(flaw)
      return { ...flaw, caught: trial?.verdict.outcome === 'complained', seed: trial?.search?.seed }
    })
  console.log(report('Broken backends', fates(brokenBackends)))
  console.log(report('Mutants of core', fates(coreMutants)))
  await Promise.allSettled([...sound.values(), ...trials.values()])
  await sandbox.remove()
}, TIMEOUT)

const names = (flaws: readonly (BrokenBackend | CoreMutant)[]) =>
  flaws.map((flawed) => [`${flawed.flaw} → ${flawed.caughtBy}`, flawed] as const)

test('each flaw is told apart from the others', () => {
  expect(new Set(brokenBackends.map(({ flaw }) => flaw)).size).toBe(brokenBackends.length)
  expect(new Set(coreMutants.map(({ flaw }) => flaw)).size).toBe(coreMutants.length)
})

describe('each case that must catch something passes where nothing is broken:', () => {
  const cases = batches.flatMap((batch) =>
    batch.names.map((name) => [`${name} (${batch.target})`, name, batch] as const),
  )
  test.for(cases)('%s', { timeout: TIMEOUT }, async ([, name, batch]) => {
    const verdict = (await sound.get(batch))?.get(name)
    expect(verdict?.outcome, verdict?.said).toBe('passed')
  })
})

describe('the kit catches a backend in which', () => {
  test.for(names(brokenBackends))('%s', { timeout: TIMEOUT }, ([, broken]) => assertCaught(broken))
})

describe('the kit catches a change of core by which', () => {
  test.for(names(coreMutants))('%s', { timeout: TIMEOUT }, ([, mutant]) => assertCaught(mutant))
})

describe('the simulation finds a change of core by which', () => {
  const simulated = coreMutants.filter((mutant) => mutant.simulated === true)

  test.for(simulated)('$flaw', { timeout: TIMEOUT }, async (mutant) => {
    const search = (await trials.get(mutant))?.search
    expect(search?.seed, search?.said).toBeDefined()
  })

  test('and finds nothing with the same seeds where nothing is changed', { timeout: TIMEOUT }, async () => {
    const searches = await Promise.all(simulated.map(async (mutant) => (await trials.get(mutant))?.search))
    const seeds = 1 + Math.max(...searches.map((search) => search?.seed ?? 0))
    expect((await trySeeds(sandbox.sound, seeds)).said).toBe(NOTHING)
  })
})
