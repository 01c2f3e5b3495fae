/** A test that fails while the machine stands still is run again, but for what no slowness explains. */
import { watchMachine } from '@locks/core/conformance'
import { beforeEach } from 'vitest'

/** As in the configuration, from where it is read before the first attempt. */
const REPEATS = 2
/** A lock was granted that somebody held, or what it guards is wrong. */
const FINAL = /\bto be null\b|held at once|a count was lost/

interface Failure {
  readonly message: string
  /** What was compared. */
  readonly actual?: unknown
}

/** Tokens are the bigints that are compared: one did not rise. */
const isFinal = ({ message, actual }: Failure): boolean => typeof actual === 'bigint' || FINAL.test(message)

beforeEach(async ({ task, onTestFailed }) => {
  const standstill = await watchMachine()
  let stoodStill = 0
  onTestFailed(async () => {
    stoodStill = await standstill()
  })
  const condition = (failure: Failure): boolean => {
    if (stoodStill === 0 || isFinal(failure)) return false
    console.warn(`"${task.name}" failed while the machine stood still for ${stoodStill} ms: ${failure.message}`)
    return true
  }
  Object.assign(task, { retry: { count: REPEATS, condition } })
})
