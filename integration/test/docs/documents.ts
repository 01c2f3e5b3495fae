import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT: string = join(import.meta.dirname, '../../..')

const NOT_OURS = new Set(['node_modules', 'dist', 'temp', 'reports', '.git', '.turbo'])

/** All Markdown files of the repository, by their paths from its root. */
export function documents(folder = ''): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name)) return []
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) return documents(path)
    return entry.name.endsWith('.md') ? [path] : []
  })
}

/** Those whose samples are run: what users read. */
export function manuals(): string[] {
  return documents().filter((path) => /^(?:README\.md|docs\/.*|packages\/[^/]+\/README\.md)$/.test(path))
}

/** A fenced block of code. */
export interface Block {
  readonly document: string
  /** Of its first line of code. */
  readonly line: number
  readonly language: string
  /** What the fence says behind the language, such as `file=name.ts`. */
  readonly traits: ReadonlyMap<string, string>
  readonly text: string
}

interface Line {
  readonly number: number
  readonly text: string
}

interface Parts {
  readonly blocks: readonly Block[]
  /** The lines outside of the blocks. */
  readonly prose: readonly Line[]
}

const FENCE = /^( *)(`{3,}|~{3,})([^`]*)$/

export function partsOf(document: string): Parts {
  const blocks: Block[] = []
  const prose: Line[] = []
  let open:
    | { readonly indent: string; readonly fence: string; readonly info: string; readonly line: number }
    | undefined
  let code: string[] = []
  for (const [index, text] of readFileSync(join(ROOT, document), 'utf8').split('\n').entries()) {
    const [, indent = '', fence = '', info = ''] = FENCE.exec(text) ?? []
    if (open === undefined) {
      if (fence === '') prose.push({ number: index + 1, text })
      else open = { indent, fence, info, line: index + 2 }
    } else if (fence.startsWith(open.fence) && info.trim() === '') {
      const [language = '', ...traits] = open.info.trim().split(/\s+/)
      const pairs = traits.map((trait) => trait.split('=', 2) as [string, string])
      blocks.push({ document, line: open.line, language, traits: new Map(pairs), text: `${code.join('\n')}\n` })
      open = undefined
      code = []
    } else code.push(text.startsWith(open.indent) ? text.slice(open.indent.length) : text)
  }
  if (open !== undefined) throw new Error(`${document}:${open.line}: this block has no end`)
  return { blocks, prose }
}

/** Where a block is, as an editor takes it. */
export const placeOf = ({ document, line }: Block): string => `${document}:${line}`

/** The anchors of a document's headings, as GitHub makes them. */
export function anchorsOf(document: string): ReadonlySet<string> {
  const anchors = new Set<string>()
  for (const { text } of partsOf(document).prose) {
    const heading = /^#{1,6} +(.*?)(?: +#+)?$/.exec(text)?.[1]
    if (heading === undefined) continue
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const slug = plain.replaceAll(/[^\p{L}\p{N}\p{M}_\- ]/gu, '').replaceAll(' ', '-')
    let anchor = slug
    for (let count = 1; anchors.has(anchor); count += 1) anchor = `${slug}-${count}`
    anchors.add(anchor)
  }
  return anchors
}
