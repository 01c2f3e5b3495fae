/** A test that fails while the machine stands still is run again, but for what no slowness explains. */
import { watchMachine } from '@locks/core/conformance'
import { beforeEach, type TestError } from 'vitest'

/** As in the configuration, from where it is read before the first attempt. */
const REPEATS = 2
/** A lock was granted that somebody held, or a token did not rise. */
const FINAL = /\bto be null\b|held at once|a count was lost|\b\d+n\b/

beforeEach(async ({ task, onTestFailed }) => {
  const standstill = await watchMachine()
  let stoodStill = 0
  onTestFailed(async () => {
    stoodStill = await standstill()
  })
  const condition = ({ message }: TestError): boolean => {
    if (stoodStill === 0 || FINAL.test(message)) return false
    console.warn(`"${task.name}" failed while the machine stood still for ${stoodStill} ms: ${message}`)
    return true
  }
  Object.assign(task, { retry: { count: REPEATS, condition } })
})
