/** A process that counts, for the tests of `ScriptProcess`. */
import { answer, tell } from '../../../faults/answer.ts'

let count = 0

answer({
  add: (by: number) => {
    count += by
    return count
  },
  later: async (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds, 'late')),
  fail: () => {
    throw Object.assign(new Error('not today'), { code: 'SOME_CODE' })
  },
  end: () => process.exit(),
})
tell({ args: process.argv.slice(2), env: process.env.WORKER_SAYS })
