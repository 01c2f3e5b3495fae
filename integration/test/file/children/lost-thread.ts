/** Takes a lock and ends at once, as a thread that crashed. */
import { Lock } from '@locks/core'
import { fileBackend } from '@locks/file'

const [, , directory = '', name = '', ttl = ''] = process.argv
await new Lock(name, { backend: fileBackend(directory), ttl: Number(ttl) }).acquire()
process.exit()
