import { setTimeout as sleep } from 'node:timers/promises'

/** Asks every few milliseconds until the answer is something other than false or undefined; a rejection counts as no. */
export async function poll<T>(
  what: string,
  look: () => T | false | undefined | Promise<T | false | undefined>,
  within = 15_000,
): Promise<T> {
  let failure: unknown
  for (const deadline = performance.now() + within; performance.now() < deadline; await sleep(10)) {
    try {
      const found = await look()
      if (found !== false && found !== undefined) return found
    } catch (error) {
      failure = error
    }
  }
  throw new Error(`not within ${within} ms: ${what}`, { cause: failure })
}
