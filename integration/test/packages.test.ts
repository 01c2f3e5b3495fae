import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const packages = join(import.meta.dirname, '../../packages')
const execute = promisify(execFile)

interface Manifest {
  readonly name: string
  readonly bin?: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string>>
  readonly private?: boolean
}

interface Packed extends Manifest {
  readonly tarball: string
}

async function manifestIn(folder: string): Promise<{ readonly text: string; readonly manifest: Manifest }> {
  const text = await readFile(join(folder, 'package.json'), 'utf8')
  return { text, manifest: JSON.parse(text) }
}

async function publishedManifests(): Promise<readonly (Manifest & { readonly folder: string })[]> {
  const folders = await readdir(packages)
  const all = await Promise.all(
    folders.map(async (name) => {
      const folder = join(packages, name)
      return { folder, ...(await manifestIn(folder)).manifest }
    }),
  )
  return all.filter((manifest) => manifest.private !== true)
}

const published = await publishedManifests()
const entryPoints = published.flatMap(({ name, exports }) => Object.keys(exports).map((path) => name + path.slice(1)))
const executables = published.flatMap(({ bin = {} }) => Object.keys(bin))

describe('a new project with the packed packages installed', () => {
  let project: string
  let packed: readonly Packed[]

  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), 'locks-packages-'))
    packed = await Promise.all(
      published.map(async ({ folder, ...manifest }) => {
        const { stdout } = await execute('pnpm', ['pack', '--json', '--pack-destination', project], { cwd: folder })
        return { ...manifest, tarball: (JSON.parse(stdout) as { readonly filename: string }).filename }
      }),
    )
    await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module' }))
    const tarballs = packed.map(({ tarball }) => tarball)
    await execute('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...tarballs], { cwd: project })
  }, 120_000)

  afterAll(() => rm(project, { recursive: true, force: true }))

  /** Runs a module in the project and returns what it logs, as JSON. */
  async function evaluate(source: string): Promise<unknown> {
    const { stdout } = await execute(process.execPath, ['--input-type=module', '--eval', source], { cwd: project })
    return JSON.parse(stdout)
  }

  test.for(published.map(({ name }) => name))('the manifest of %s names no workspace protocol', async (name) => {
    const { text } = await manifestIn(join(project, 'node_modules', name))
    expect(text).not.toMatch(/"(?:workspace|catalog|link|file):/)
  })

  test.for(entryPoints)('%s can be imported and required, as one module', async (specifier) => {
    const same = await evaluate(`
      import { createRequire } from 'node:module'
      import * as imported from '${specifier}'
      const required = createRequire(import.meta.url)('${specifier}')
      console.log(JSON.stringify(imported === required))
    `)
    expect(same).toBe(true)
  })

  test('import and require share one LockError class', async () => {
    const facts = await evaluate(`
      import { createRequire } from 'node:module'
      import { LockError } from '@locks/core'
      const required = createRequire(import.meta.url)('@locks/core').LockError
      console.log(JSON.stringify({ type: typeof LockError, same: LockError === required }))
    `)
    expect(facts).toEqual({ type: 'function', same: true })
  })

  test('there is one copy of @locks/core', async () => {
    const { stdout } = await execute('npm', ['ls', '@locks/core', '--all', '--parseable'], { cwd: project })
    expect(stdout.trim().split('\n')).toEqual([join(project, 'node_modules/@locks/core')])
  })

  test.for(executables)('the command %s explains itself', async (name) => {
    const { stdout } = await execute(join(project, 'node_modules/.bin', name), ['--help'], { cwd: project })
    expect(stdout).toContain(name)
  })
})
