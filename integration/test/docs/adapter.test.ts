import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LockBackend } from '@locks/core'
import { conformanceCases } from '@locks/core/conformance'
import { afterAll, describe, expect, test } from 'vitest'
import { compile } from './compile.ts'
import { partsOf } from './documents.ts'

const { blocks } = partsOf('docs/writing-an-adapter.md')
const [sample] = await compile(
  blocks.filter(({ traits }) => traits.get('file') === 'sqlite-backend.ts'),
  'adapter',
)
if (sample === undefined) throw new Error('docs/writing-an-adapter.md has no sqlite-backend.ts')
const { sqliteBackend } = (await import(sample.module)) as { sqliteBackend: (path: string) => LockBackend }

const folder = mkdtempSync(join(tmpdir(), 'locks-adapter-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const connect = (): LockBackend => sqliteBackend(join(folder, 'locks.db'))

const first = connect()
const { capabilities } = first
await first.close()

describe('the record store of docs/writing-an-adapter.md', () => {
  for (const { name, run, timeout } of conformanceCases({ name: 'sqlite', capabilities, connect }))
    test(name, run, timeout)

  test('compiles under the settings of the workspace', () => {
    expect(sample.complaints).toEqual([])
  })
})
