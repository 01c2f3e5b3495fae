import { expect, test } from 'vitest'
import { sail } from './fleet.ts'
import { runSeed } from './run-seed.ts'

/** More of them: SIMULATION_SEEDS=100000, or `npm run simulate`. */
const SEEDS = Number(process.env.SIMULATION_SEEDS ?? 10_000)

test('two runs of a seed are the same event by event, whatever other seeds ran in the same process', async () => {
  for (let seed = 0; seed < 40; seed += 1) {
    const first = await runSeed(seed)
    await runSeed(seed + 1_000)
    const second = await runSeed(seed)
    expect([second.hash, second.events], `seed ${seed}`).toEqual([first.hash, first.events])
  }
})

test('keeping a trace changes nothing', async () => {
  for (let seed = 0; seed < 20; seed += 1) {
    const [plain, traced] = [await runSeed(seed), await runSeed(seed, true)]
    expect(traced.hash, `seed ${seed}`).toBe(plain.hash)
    expect(traced.trace.length).toBeGreaterThan(0)
  }
})

test(`all promises are kept in ${SEEDS} simulated runs`, { timeout: 60_000 + SEEDS * 50 }, async () => {
  const { runs, findings } = await sail({ from: 0, seeds: SEEDS, stopAtFirst: true })
  expect(findings[0]?.report).toBe(undefined)
  expect(runs).toBe(SEEDS)
})
