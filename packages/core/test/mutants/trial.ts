import { execFile } from 'node:child_process'
import { join } from 'node:path'

/** What a run of one case came to. */
export interface Verdict {
  /** `complained`: by an AssertionError or a LockError, as a case does; `crashed`: by any other error, or none at all. */
  readonly outcome: 'passed' | 'complained' | 'crashed' | 'missing'
  /** What the error says. */
  readonly said: string
}

/** Milliseconds that one case may take. The longest bound of a case that complains here is 15 s; it may be run again. */
const TIME_BOX = 60_000

/**
 * Runs cases in a process of their own, with the code that lies in `folder`: a package's folder, or a copy of it. Resolves
 * with a verdict on each.
 */
export function tryCases(folder: string, target: string, names: readonly string[]): Promise<Map<string, Verdict>> {
  const script = join(folder, 'test/mutants/run-cases.ts')
  return new Promise((resolve) => {
    const timeout = TIME_BOX * names.length
    const options = { timeout, killSignal: 'SIGKILL', maxBuffer: 2 ** 24 } as const
    execFile(process.execPath, ['--no-warnings', script, target, ...names], options, (error, stdout, stderr) => {
      const verdicts = new Map<string, Verdict>()
      for (const line of stdout.split('\n').filter((text) => text.startsWith('{'))) {
        const { name, ...verdict } = JSON.parse(line) as Verdict & { readonly name: string }
        verdicts.set(name, verdict)
      }
      const ended = error?.killed === true ? `it was killed after ${timeout} ms` : `the process ended: ${stderr.trim()}`
      for (const name of names) if (!verdicts.has(name)) verdicts.set(name, { outcome: 'crashed', said: ended })
      resolve(verdicts)
    })
  })
}

/** The simulation has looked through all seeds. */
export const NOTHING = 'nothing was found'

/** What a run of the simulation came to. */
export interface Search {
  /** The first seed that found something. */
  readonly seed?: number
  /** Otherwise: why there is none. */
  readonly said: string
}

/** Runs the simulation that lies in `folder`, with so many seeds at most. */
export function trySeeds(folder: string, seeds: number): Promise<Search> {
  const script = join(folder, 'test/simulation/main.ts')
  const flags = ['--seeds', String(seeds), '--workers', '1', '--stop-at-first']
  return new Promise((resolve) => {
    const options = { timeout: TIME_BOX, killSignal: 'SIGKILL', maxBuffer: 2 ** 24 } as const
    execFile(process.execPath, ['--no-warnings', script, ...flags], options, (error, stdout, stderr) => {
      const seed = /^seed (\d+) /m.exec(stdout)?.[1]
      if (error === null) resolve({ said: NOTHING })
      else if (error.code === 1 && seed !== undefined) resolve({ seed: Number(seed), said: stdout })
      else resolve({ said: error.killed === true ? `no end within ${TIME_BOX} ms` : stderr.trim() })
    })
  })
}

/** Does `work` on all items, on so many at the same time; each result can be had by itself. */
export function pooled<Item, Result>(
  items: readonly Item[],
  width: number,
  work: (item: Item) => Promise<Result>,
): Map<Item, Promise<Result>> {
  let free = width
  const waiting: (() => void)[] = []
  const turn = async (): Promise<void> => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve))
    else free -= 1
  }
  const leave = (): void => {
    const next = waiting.shift()
    if (next === undefined) free += 1
    else next()
  }
  return new Map(
    items.map((item) => {
      const result = turn().then(() => work(item).finally(leave))
      // Whoever asks for it hears of a failure.
      result.catch(() => undefined)
      return [item, result]
    }),
  )
}
