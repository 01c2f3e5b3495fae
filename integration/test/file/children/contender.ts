/**
 * Takes a few locks in turn, holds each for a while, gives it up, for as long as it lives. Logs what it can be sure of:
 * that a lease was granted by a certain moment, and still held at a later one.
 *
 *     node contender.ts <directory> <log file> <locks>
 */
import { openSync, writeSync } from 'node:fs'
import { Lock } from '@locks/core'
import { fileBackend } from '@locks/file'

/** `at`: a moment at which the lease with this token was held, on the clock of the host. */
export interface Sighting {
  readonly name: string
  readonly token: string
  readonly at: number
}

const [, , directory = '', file = '', locks = '1'] = process.argv
const log = openSync(file, 'a')
const now = (): number => Number(process.hrtime.bigint()) / 1e6
const note = (sighting: Sighting): void => void writeSync(log, `${JSON.stringify(sighting)}\n`)
const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Several backends in one process: they share nothing but the directory. */
async function contend(): Promise<void> {
  const backend = fileBackend(directory)
  for (;;) {
    const name = `lock-${Math.floor(Math.random() * Number(locks))}`
    const ttl = 100 + Math.random() * 300
    const autoRenew = Math.random() < 0.8
    const fair = Math.random() < 0.5 ? 'strict' : true
    const lock = new Lock(name, { backend, ttl, autoRenew, fair, timeout: 60_000 })
    const lease = await lock.acquire()
    const token = String(lease.fencingToken)
    // Granted before this moment; if it is held at a later one, it was held at this one too.
    const granted = now()
    if (lease.held) note({ name, token, at: granted })
    for (let look = Math.random() * 4; look > 0; look -= 1) {
      if (Math.random() < 0.5) await pause(Math.random() * 8)
      const at = now()
      if (lease.held) note({ name, token, at })
    }
    // Some just let it run out.
    if (autoRenew || Math.random() < 0.9) await lease.release()
    if (Math.random() < 0.3) await pause(Math.random() * 10)
  }
}

await Promise.all([contend(), contend(), contend()])
