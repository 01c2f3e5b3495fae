import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConformanceTarget } from '@locks/core/conformance'
import { fileBackend } from '@locks/file'

// Made once, and known to the processes that import this module after that.
process.env.LOCKS_CONFORMANCE_FOLDER ??= mkdtempSync(join(tmpdir(), 'locks-conformance-'))
const directory = process.env.LOCKS_CONFORMANCE_FOLDER

export const target: ConformanceTarget = {
  name: 'file',
  capabilities: fileBackend(directory).capabilities,
  connect: () => fileBackend(directory),
  // A disk may stall for a moment that a shorter hold does not outlive.
  ttl: 500,
  close() {
    rmSync(directory, { recursive: true, force: true })
    console.error(`closed ${directory}`)
  },
}
