import { existsSync, readFileSync } from 'node:fs'
import { join, normalize, posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { anchorsOf, documents, manuals, partsOf, placeOf, ROOT } from './documents.ts'

/** Would be code that nobody runs: `ts` and `sh` are. */
const NOT_RUN = ['typescript', 'javascript', 'js', 'mjs', 'tsx', 'bash', 'shell', 'zsh']

/** What is wrong with the relative links of a document, by line. */
function brokenLinks(document: string): string[] {
  return partsOf(document).prose.flatMap(({ number, text }) => {
    const links = text.replaceAll(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)/g)
    return [...links].flatMap(([, link = '']) => {
      if (/^[a-z]+:/.test(link)) return []
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? document : posix.join(posix.dirname(document), path)
      if (normalize(target).startsWith('..') || !existsSync(join(ROOT, target)))
        return [`line ${number}: ${link} leads nowhere`]
      const found = anchor === undefined || anchorsOf(target).has(anchor)
      return found ? [] : [`line ${number}: ${target} has no heading for #${anchor}`]
    })
  })
}

describe('links', () => {
  test.for(documents())('%s links to what exists', (document) => {
    expect(brokenLinks(document)).toEqual([])
  })
})

describe('blocks', () => {
  test.for(manuals())('%s has its code in blocks that are run', (document) => {
    const wrong = partsOf(document).blocks.filter(({ language }) => NOT_RUN.includes(language))
    expect(wrong.map((block) => `${placeOf(block)}: ${block.language}`)).toEqual([])
  })
})

test('docs/errors.md has a heading for each error code', () => {
  const source = readFileSync(join(ROOT, 'packages/core/src/errors.ts'), 'utf8')
  const [, union = ''] = /type LockErrorCode =([^;]*?)\n\n/.exec(source) ?? []
  const codes = [...union.matchAll(/'(LOCK_\w+)'/g)].map(([, code = '']) => code.toLowerCase())
  expect(codes.length).toBeGreaterThan(0)
  const anchors = anchorsOf('docs/errors.md')
  expect(codes.filter((code) => !anchors.has(code))).toEqual([])
})
