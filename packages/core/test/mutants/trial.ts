import { execFile } from 'node:child_process'
import { join } from 'node:path'

/** What a run of one case came to. */
export interface Verdict {
  /** `complained`: by an AssertionError or a LockError, as a case does; `crashed`: by any other error, or none at all. */
  readonly outcome: 'passed' | 'complained' | 'crashed' | 'missing'
  /** What the error says. */
  readonly said: string
}

/** Milliseconds that one case may take. The longest bound of a case that complains here is 15 s. */
const TIME_BOX = 30_000

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

/** What the simulation has found. */
export interface Finding {
  readonly seed: number
  readonly said: string
}

/** Runs the simulation that lies in `folder`, from seed 1 up to the first that finds something, or to `last`. */
export function trySeeds(folder: string, last: number): Promise<Finding | undefined> {
  const script = join(folder, 'test/mutants/run-seeds.ts')
  return new Promise((resolve, reject) => {
    const options = { timeout: TIME_BOX, killSignal: 'SIGKILL' } as const
    execFile(process.execPath, ['--no-warnings', script, String(last)], options, (error, stdout, stderr) => {
      if (error === null) resolve(undefined)
      else if (stdout.startsWith('{')) resolve(JSON.parse(stdout) as Finding)
      else reject(error.killed === true ? new Error(`no end within ${TIME_BOX} ms`) : new Error(stderr.trim()))
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
