import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Chunk, ChunkResult, WorkerData } from './fleet-worker.ts'
import { type Finding, stuck } from './report.ts'
import type { Kind } from './scenario.ts'

export interface Voyage {
  readonly from: number
  readonly seeds: number
  readonly only?: Kind | undefined
  readonly workers?: number | undefined
  readonly stopAtFirst?: boolean | undefined
  /** Hears of each finding, and now and then of the number of runs so far. */
  readonly found?: ((finding: Finding) => void) | undefined
  readonly progress?: ((runs: number) => void) | undefined
}

export interface Log {
  readonly runs: number
  readonly findings: readonly Finding[]
}

const CHUNK = 100
/** A run that takes longer than this many milliseconds of real time is stuck. */
const STUCK = 60_000

/** Runs seeds on several threads. */
export async function sail(voyage: Voyage): Promise<Log> {
  const { from, seeds, workers = availableParallelism(), stopAtFirst = false } = voyage
  const findings: Finding[] = []
  let runs = 0
  let next = from
  const chunk = (): Chunk | undefined => {
    if (next >= from + seeds || (stopAtFirst && findings.length > 0)) return undefined
    const taken = { from: next, to: Math.min(next + CHUNK, from + seeds) }
    next = taken.to
    return taken
  }
  const add = (result: ChunkResult): void => {
    runs += result.runs
    for (const finding of result.findings) {
      findings.push(finding)
      voyage.found?.(finding)
    }
    voyage.progress?.(runs)
  }
  await Promise.all(Array.from({ length: workers }, () => work(voyage, chunk, add)))
  return { runs, findings: findings.sort((a, b) => a.seed - b.seed) }
}

/** One thread, replaced when it gets stuck. */
async function work(voyage: Voyage, next: () => Chunk | undefined, add: (result: ChunkResult) => void): Promise<void> {
  let worker: Thread | undefined
  for (let chunk = next(); chunk !== undefined; chunk = next()) {
    worker ??= new Thread(voyage)
    const result = await worker.run(chunk)
    add(result)
    if (worker.dead) worker = undefined
  }
  await worker?.end()
}

class Thread {
  dead: boolean = false
  readonly #seed = new Int32Array(new SharedArrayBuffer(4))
  readonly #worker: Worker

  constructor({ only }: Voyage) {
    const workerData: WorkerData = { only, seed: this.#seed }
    this.#worker = new Worker(new URL('./fleet-worker.ts', import.meta.url), { workerData })
  }

  run(chunk: Chunk): Promise<ChunkResult> {
    return new Promise((resolve, reject) => {
      let seen = -1
      const watch = setInterval(() => {
        const seed = Atomics.load(this.#seed, 0)
        if (seed !== seen) seen = seed
        else finish(() => resolve({ runs: 1, findings: [stuck(seed)] }), true)
      }, STUCK)
      const finish = (settle: () => void, kill: boolean): void => {
        clearInterval(watch)
        this.#worker.removeAllListeners('message').removeAllListeners('error')
        if (kill) {
          this.dead = true
          void this.end()
        }
        settle()
      }
      this.#worker.on('message', (result: ChunkResult) => finish(() => resolve(result), false))
      this.#worker.on('error', (error) => finish(() => reject(error), true))
      this.#worker.postMessage(chunk)
    })
  }

  async end(): Promise<void> {
    await this.#worker.terminate()
  }
}
