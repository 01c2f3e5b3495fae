/**
 * Adds to the number in a file, a while after having read it: without a lock, additions get lost.
 *
 *     node counter.ts <directory> <file> <additions> [<threads>]
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isMainThread, Worker } from 'node:worker_threads'
import { Lock } from '@locks/core'
import { fileBackend } from '@locks/file'

const [, , directory = '', file = '', additions = '0', threads = '0'] = process.argv

if (isMainThread)
  for (let thread = 0; thread < Number(threads); thread += 1)
    new Worker(new URL(import.meta.url), { argv: [directory, file, additions] })

const lock = new Lock('counter', { backend: fileBackend(directory), timeout: 60_000 })
for (let addition = 0; addition < Number(additions); addition += 1) {
  await lock.using(async () => {
    // Fails if anybody else is in here.
    writeFileSync(`${file}.witness`, '', { flag: 'wx' })
    const before = Number(readFileSync(file, 'utf8'))
    await new Promise((resolve) => setImmediate(resolve))
    writeFileSync(file, String(before + 1))
    rmSync(`${file}.witness`)
  })
}
