import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CoreMutant } from './core/core-mutant.ts'

const PACKAGE: string = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Copies of this package's code: the sources, and the tests' tools, but no tests. They lie in the system's temporary
 * folder, because Node.js does not strip types under `node_modules`.
 */
export class Sandbox {
  readonly folder: string
  /** As the code is. */
  readonly sound: string
  #copies = 0

  private constructor(folder: string) {
    this.folder = folder
    this.sound = join(folder, 'sound')
  }

  static async make(): Promise<Sandbox> {
    const sandbox = new Sandbox(await mkdtemp(join(tmpdir(), 'locks-mutants-')))
    await mkdir(sandbox.sound)
    const isNoTest = (file: string): boolean => !file.endsWith('.test.ts')
    for (const part of ['src', 'test'])
      await cp(join(PACKAGE, part), join(sandbox.sound, part), { recursive: true, filter: isNoTest })
    await writeFile(join(sandbox.sound, 'package.json'), '{ "type": "module" }')
    return sandbox
  }

  /** A copy with one change, in whose folder `work` is done. */
  async withMutant<Result>(mutant: CoreMutant, work: (folder: string) => Promise<Result>): Promise<Result> {
    this.#copies += 1
    const folder = join(this.folder, `mutant-${this.#copies}`)
    await cp(this.sound, folder, { recursive: true })
    const file = join(folder, 'src', mutant.file)
    const parts = (await readFile(file, 'utf8')).split(mutant.find)
    if (parts.length !== 2)
      throw new Error(
        `The mutant has to follow the code: src/${mutant.file} has ${parts.length - 1} times, not once: ${mutant.find}`,
      )
    await writeFile(file, parts.join(mutant.replace))
    try {
      return await work(folder)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }
}
