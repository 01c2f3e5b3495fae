/**
 * Takes a lock and holds it until it is ended; notes its token and when it was granted.
 *
 *     node holder.ts <directory> <file> <ttl>
 */
import { renameSync, writeFileSync } from 'node:fs'
import { Lock } from '@locks/core'
import { fileBackend } from '@locks/file'

const [, , directory = '', file = '', ttl = ''] = process.argv
const lock = new Lock('a', { backend: fileBackend(directory), ttl: Number(ttl), timeout: 60_000 })
const { fencingToken } = await lock.acquire()
const at = Number(process.hrtime.bigint()) / 1e6
writeFileSync(`${file}.new`, JSON.stringify({ token: String(fencingToken), at }))
renameSync(`${file}.new`, file)
setInterval(() => undefined, 1_000)
