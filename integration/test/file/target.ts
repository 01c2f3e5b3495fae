import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConformanceTarget } from '@locks/core/conformance'
import { fileBackend } from '@locks/file'

process.env.LOCKS_TEST_DIRECTORY ??= mkdtempSync(join(tmpdir(), 'locks-conformance-'))
const directory = process.env.LOCKS_TEST_DIRECTORY

export const target: ConformanceTarget = {
  name: 'file',
  module: import.meta.url,
  capabilities: fileBackend(directory).capabilities,
  connect: () => fileBackend(directory),
  // A disk may stall for a moment that a shorter hold does not outlive.
  ttl: 500,
  close: () => rmSync(directory, { recursive: true, force: true }),
}
