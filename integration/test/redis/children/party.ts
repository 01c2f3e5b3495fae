import { createLocks, type Lease, Lock, type LockOptions } from '@locks/core'
import { redisBackend } from '@locks/redis'
import { answer, tell } from '../../../faults/answer.ts'

const [, , url] = process.argv
const backend = redisBackend(url)
let lease: Lease | undefined

answer({
  /** The fencing token. */
  async acquire(name: string, options: LockOptions) {
    lease = await new Lock(name, { ...options, backend }).acquire()
    tell({ granted: String(lease.fencingToken) })
    return String(lease.fencingToken)
  },
  held: () => lease?.held,
  release: () => lease?.release(),
  close: () => createLocks({ backend }).close(),
  /** Ends it without a word to the server. */
  exit: () => process.exit(),
})
