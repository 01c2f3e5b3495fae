import { createLocks, type Lease, Lock, type LockOptions } from '@locks/core'
import { etcdBackend } from '@locks/etcd'
import { answer, tell } from '../../../faults/answer.ts'

const [, , ...hosts] = process.argv
const backend = etcdBackend({ hosts, minTtl: 1_000 })
let lease: Lease | undefined

answer({
  /** The fencing token. */
  async acquire(name: string, options: LockOptions) {
    lease = await new Lock(name, { ...options, backend }).acquire()
    lease.signal.addEventListener('abort', () => tell('lost'))
    tell({ granted: String(lease.fencingToken) })
    return String(lease.fencingToken)
  },
  held: () => lease?.held,
  release: () => lease?.release(),
  /** So many wait for one lock, each without help of the others, and pass it on. */
  async crowd(name: string, count: number, options: LockOptions) {
    const locks = Array.from({ length: count }, () => new Lock(name, { ...options, backend, fair: 'strict' }))
    const all = Promise.all(
      locks.map((lock) =>
        lock.using((mine) => tell({ turn: String(mine.fencingToken), at: performance.timeOrigin + performance.now() })),
      ),
    )
    void all.then(
      () => tell('done'),
      (error) => tell({ failed: String(error) }),
    )
  },
  close: () => createLocks({ backend }).close(),
  /** Ends it without a word to the server. */
  exit: () => process.exit(),
})
