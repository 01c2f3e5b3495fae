import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')

/** A part of a document that is made by a program, between `<!-- NAME:start -->` and `<!-- NAME:end -->`. */
export interface Made {
  readonly document: string
  readonly name: string
  make(): string
}

function read({ document, name }: Made): { readonly text: string; readonly start: number; readonly end: number } {
  const text = readFileSync(join(ROOT, document), 'utf8')
  const mark = `<!-- ${name}:start -->`
  const [from, end] = [text.indexOf(mark), text.indexOf(`<!-- ${name}:end -->`)]
  if (from < 0 || end < from) throw new Error(`${document} has no ${mark} … <!-- ${name}:end -->`)
  return { text, start: from + mark.length, end }
}

/** What the document has there now. Throws if it has no marks. */
export function partIn(made: Made): string {
  const { text, start, end } = read(made)
  return text.slice(start, end).trim()
}

/** Shows the parts; with `--write` among the arguments, puts them into their documents. */
export function showOrWrite(parts: readonly Made[]): void {
  for (const part of parts) {
    if (!process.argv.includes('--write')) console.log(part.make())
    else {
      const { text, start, end } = read(part)
      // With empty lines around it: a list or a table needs them.
      writeFileSync(join(ROOT, part.document), `${text.slice(0, start)}\n\n${part.make()}\n\n${text.slice(end)}`)
    }
  }
}

/** A row of a Markdown table. */
export const row = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
