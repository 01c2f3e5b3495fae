import { parentPort, workerData } from 'node:worker_threads'
import { type Finding, reportOf } from './report.ts'
import { runSeed } from './run-seed.ts'
import { type Kind, kindOf } from './scenario.ts'

/** Seeds to run: from the first, below the last. */
export interface Chunk {
  readonly from: number
  readonly to: number
}

export interface ChunkResult {
  readonly runs: number
  readonly findings: readonly Finding[]
}

export interface WorkerData {
  readonly only: Kind | undefined
  /** The seed that is being run, for who watches over this thread. */
  readonly seed: Int32Array
}

async function run({ from, to }: Chunk, { only, seed: shown }: WorkerData): Promise<ChunkResult> {
  const findings: Finding[] = []
  let runs = 0
  for (let seed = from; seed < to; seed += 1) {
    if (only !== undefined && kindOf(seed) !== only) continue
    Atomics.store(shown, 0, seed)
    runs += 1
    const { failure } = await runSeed(seed)
    if (failure !== undefined) findings.push(reportOf(await runSeed(seed, true)))
  }
  return { runs, findings }
}

parentPort?.on('message', (chunk: Chunk) => {
  void run(chunk, workerData as WorkerData).then((result) => parentPort?.postMessage(result))
})
