import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { sleep } from './time.ts'

/** Milliseconds between two looks at the clock, and by how many one must be late for the machine to have stood still. */
const TICK = 10
const LEAST = 100
/** Milliseconds in which the watch has surely noticed what is over. */
const NOTICED = 5 * TICK

/** Runs in a thread of its own: what keeps this one busy does not hold it up. */
const WATCH = `
const { parentPort, workerData: total } = require('node:worker_threads')
let last = performance.now()
setInterval(() => {
  const now = performance.now()
  const late = now - last - ${TICK}
  if (late >= ${LEAST}) Atomics.add(total, 0, Math.round(late))
  last = now
}, ${TICK})
parentPort.postMessage('watching')
`

let watching: Promise<Int32Array<SharedArrayBuffer>> | undefined

async function startWatch(): Promise<Int32Array<SharedArrayBuffer>> {
  const total = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(WATCH, { eval: true, workerData: total, execArgv: [] })
  await once(worker, 'message')
  worker.unref()
  return total
}

/**
 * Watches, from when it resolves, whether the machine stands still, as virtual and very busy ones do now and then. Resolves
 * with a function that tells for how many milliseconds in all it has done so since: each time that a thread which does
 * nothing else got no turn for 100 ms or longer; 0 for none. For tests of time: what fails meanwhile may be the machine's
 * fault. What keeps this thread busy does not count.
 */
export async function watchMachine(): Promise<() => Promise<number>> {
  watching ??= startWatch()
  const total = await watching
  const before = Atomics.load(total, 0)
  return async () => {
    await sleep(NOTICED)
    return Atomics.load(total, 0) - before
  }
}
