import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { conformanceCases } from '@locks/core/conformance'
import { fileBackend } from '@locks/file'
import { afterAll, test } from 'vitest'

const directory = mkdtempSync(join(tmpdir(), 'locks-conformance-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const cases = conformanceCases({
  name: 'file',
  capabilities: fileBackend(directory).capabilities,
  connect: () => fileBackend(directory),
  // A disk may stall for a moment that a shorter hold does not outlive.
  ttl: 500,
})

for (const { name, run, timeout } of cases) test(name, run, timeout)
