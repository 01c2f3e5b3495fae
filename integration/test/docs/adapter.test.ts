import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { partsOf, placeOf, ROOT } from './documents.ts'

const EXAMPLE = join(ROOT, 'examples/sqlite-adapter')
/** It differs from the one for vitest in a line, which the page names. */
const NOT_SHOWN = ['conformance/jest.test.ts']

const { blocks } = partsOf('docs/writing-an-adapter.md')
const shown = blocks.filter(({ traits }) => traits.has('file'))
const fileOf = (path: string): string => readFileSync(join(EXAMPLE, path), 'utf8')

describe('docs/writing-an-adapter.md', () => {
  test.for(shown.map((block) => [placeOf(block), block] as const))('%s is a file of the example', ([, block]) => {
    expect(block.text).toBe(fileOf(block.traits.get('file') ?? ''))
  })

  test('shows every file of the example, but for one', () => {
    const files = ['src', 'conformance'].flatMap((folder) =>
      readdirSync(join(EXAMPLE, folder)).map((name) => `${folder}/${name}`),
    )
    const missing = files.filter((path) => !shown.some(({ traits }) => traits.get('file') === path))
    expect(missing).toEqual(NOT_SHOWN)
  })

  test('tells how that one differs', () => {
    const [forVitest, forJest] = [fileOf('conformance/vitest.test.ts'), fileOf('conformance/jest.test.ts')]
    const line = "import { afterAll, test } from '@jest/globals'"
    const prose = readFileSync(join(ROOT, 'docs/writing-an-adapter.md'), 'utf8')
    expect(prose).toContain(`\`${line}\``)
    const rest = (text: string): string[] => text.split('\n').filter((one) => !one.includes('{ afterAll, test }'))
    expect(rest(forJest)).toEqual(rest(forVitest))
    expect(forJest.split('\n')).toContain(line)
  })
})
