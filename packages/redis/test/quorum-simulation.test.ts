import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { load } from './quorum-simulation/code.ts'
import { FLAWS, type Flaw } from './quorum-simulation/flaws.ts'
import { runSeed } from './quorum-simulation/run-seed.ts'

/** More of them: QUORUM_SEEDS=100000, or `node test/quorum-simulation/main.ts --seeds 100000`. */
const SEEDS = Number(process.env.QUORUM_SEEDS ?? 1_000)
/** A flaw shows within so many. */
const ENOUGH = 3_000

const src = new URL('../src/', import.meta.url)
// Where the packages that the code imports are found, too.
const copies = new URL('../temp/quorum-flaws/', import.meta.url)
const shipped = await load(src)

afterAll(() => rm(copies, { recursive: true, force: true }))

test('two runs of a seed are the same event by event', { timeout: 120_000 }, async () => {
  for (let seed = 0; seed < 20; seed += 1) {
    const first = await runSeed(seed, shipped)
    await runSeed(seed + 1_000, shipped)
    const second = await runSeed(seed, shipped, {}, true)
    expect(second.hash, `seed ${seed}`).toBe(first.hash)
    expect(second.trace.length).toBeGreaterThan(0)
  }
})

test(`all promises are kept in ${SEEDS} simulated runs`, { timeout: 60_000 + SEEDS * 500 }, async () => {
  let grants = 0
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const result = await runSeed(seed, shipped)
    expect(result.failure, `seed ${seed}`).toBe(undefined)
    grants += result.grants
  }
  expect(grants).toBeGreaterThan(5 * SEEDS)
})

for (const flaw of FLAWS)
  test(`noticed: ${flaw.title}`, { timeout: 60_000 + ENOUGH * 500 }, async () => {
    const code = await load(await copyWith(flaw))
    const { from = 0 } = flaw
    for (let seed = from; seed < from + ENOUGH; seed += 1)
      if ((await runSeed(seed, code, flaw.scripts)).failure !== undefined) return
    expect.fail(`not noticed in ${ENOUGH} runs`)
  })

async function copyWith({ title, file, find, replace }: Flaw): Promise<URL> {
  if (file === undefined || find === undefined || replace === undefined) return src
  const folder = new URL(`${title.replace(/\W+/g, '-')}/`, copies)
  await mkdir(folder, { recursive: true })
  await cp(src, folder, { recursive: true })
  const changed = new URL(`quorum/${file}`, folder)
  const parts = (await readFile(changed, 'utf8')).split(find)
  expect(parts, `the flaw has to follow the code: ${find}`).toHaveLength(2)
  await writeFile(changed, parts.join(replace))
  return pathToFileURL(`${folder.pathname}`)
}
