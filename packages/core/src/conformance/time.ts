import assert from 'node:assert/strict'

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Lets other things of this process happen, without any time passing. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

export const now = (): number => performance.now()

/** This process's wall clock is `by` milliseconds off while `work` runs. */
export async function stepped<T>(by: number, work: () => Promise<T>): Promise<T> {
  const { now: real } = Date
  Date.now = () => real() + by
  try {
    return await work()
  } finally {
    Date.now = real
  }
}

/** Keeps the event loop busy: nothing else of this process runs meanwhile. */
export function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

/** Work that is awaited later. Where its case fails before that, its own failure is no news. */
export function later<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined)
  return work
}

/** Looks again and again until `probe` answers something other than false, null or undefined, and resolves with that. */
export async function eventually<T>(
  requirement: string,
  limit: number,
  probe: () => T | Promise<T>,
): Promise<Exclude<T, false | null | undefined>> {
  const started = now()
  for (;;) {
    const seen = await probe()
    if (seen !== false && seen !== null && seen !== undefined) return seen as Exclude<T, false | null | undefined>
    if (now() - started > limit) assert.fail(`not within ${Math.round(limit)} ms: ${requirement}`)
    await sleep(Math.min(50, 2 + (now() - started) / 10))
  }
}

/** `eventually`, of a backend that was in trouble: that it fails at first is no failure. Its last one is told. */
export async function recovers<T>(
  requirement: string,
  limit: number,
  probe: () => Promise<T>,
): Promise<Exclude<T, false | null | undefined>> {
  let failure: unknown
  const attempt = (): Promise<T | null> =>
    probe().catch((error: unknown) => {
      failure = error
      return null
    })
  return eventually<T | null>(requirement, limit, attempt).catch((cause: Error) => {
    if (failure !== undefined) cause.cause = failure
    throw cause
  }) as Promise<Exclude<T, false | null | undefined>>
}

/** Rejects unless `work` settles within `limit` milliseconds. */
export async function within<T>(limit: number, requirement: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new assert.AssertionError({ message: `not within ${Math.round(limit)} ms: ${requirement}` })),
      limit,
    )
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** What `work` resolves with, and how many milliseconds that took. */
export async function timed<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly took: number }> {
  const started = now()
  const result = await work()
  return { result, took: now() - started }
}
