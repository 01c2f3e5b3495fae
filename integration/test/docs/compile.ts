import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Block, ROOT } from './documents.ts'
import { run } from './run.ts'

/** A `ts` block as JavaScript. */
export interface Sample {
  readonly block: Block
  /** The compiled module. */
  readonly module: string
  /** What the compiler said of it, with the lines of the document. */
  readonly complaints: readonly string[]
}

const TSC = join(ROOT, 'node_modules/typescript/bin/tsc')
const LIMIT = 60_000

/** Samples lie within the integration package, where the packages of the workspace resolve. */
const TEMP = join(import.meta.dirname, '../../temp/docs')

/** An empty folder there. */
export function emptyFolder(name: string): string {
  const folder = join(TEMP, name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  return folder
}

const slug = (document: string): string => document.replaceAll(/[^\w.-]/g, '_')

/**
 * Compiles all blocks at once, under the settings of the workspace. Blocks of one document can import each other by the
 * name that a fence gives: `file=name.ts`.
 */
export async function compile(blocks: readonly Block[], name: string): Promise<readonly Sample[]> {
  const folder = emptyFolder(name)
  const placed = blocks.map((block) => {
    // Test runners look for files of such names.
    const ending = block.traits.has('run') ? 'test.ts' : 'ts'
    const file = block.traits.get('file') ?? `line-${block.line}.${ending}`
    return { block, path: `${slug(block.document)}/${file}` }
  })
  for (const { block, path } of placed) {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), block.text)
  }
  const compilerOptions = {
    rootDir: '.',
    outDir: 'js',
    isolatedDeclarations: false,
    declaration: false,
    declarationMap: false,
    sourceMap: false,
  }
  const settings = { extends: join(ROOT, 'tsconfig.base.json'), compilerOptions, include: ['*.md/**/*.ts'] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings))
  const { code, output } = await run(process.execPath, [TSC, '--pretty', 'false'], { cwd: folder, limit: LIMIT })

  const complaints = [...output.matchAll(/^(.+?)\((\d+),(\d+)\): (error .*(?:\n +.*)*)/gm)]
  if (code !== 0 && complaints.length === 0) throw new Error(`tsc failed: ${code}\n${output}`)
  return placed.map(({ block, path }) => ({
    block,
    module: join(folder, 'js', path.replace(/\.ts$/, '.js')),
    complaints: complaints.flatMap(([, file, line, column, message]) =>
      file === path ? [`${block.document}:${block.line + Number(line) - 1}:${column}: ${message}`] : [],
    ),
  }))
}
