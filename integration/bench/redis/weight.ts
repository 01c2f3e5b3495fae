// What a package costs before it does anything: the time of its import beyond its client's, and its size.
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { interleaved, median, table, verdict } from './figures.ts'
import { OURS } from './open.ts'

const execute = promisify(execFile)
const HERE = fileURLToPath(new URL('.', import.meta.url))
const PACKAGES = fileURLToPath(new URL('../../../packages/', import.meta.url))

const MODULES: Readonly<Record<string, readonly string[]>> = {
  redlock: ['redlock'],
  '@sesamecare-oss/redlock': ['@sesamecare-oss/redlock'],
  'redlock-universal': ['redlock-universal'],
  '@verrou/core': ['@verrou/core', '@verrou/core/drivers/redis'],
  'redis-semaphore': ['redis-semaphore'],
  [OURS]: ['@locks/core', '@locks/redis'],
}

/** Milliseconds that a fresh process takes to import what stands on top of ioredis. */
async function importTime(modules: readonly string[]): Promise<number> {
  const code = `
    await import('ioredis')
    const start = performance.now()
    for (const name of ${JSON.stringify(modules)}) await import(name)
    console.log(performance.now() - start)
    process.exit()`
  const { stdout } = await execute(process.execPath, ['--input-type=module', '--eval', code], { cwd: HERE })
  return Number(stdout)
}

/** Bytes of the package as it would be published, gzipped. */
async function packedSize(folder: string): Promise<number> {
  const destination = mkdtempSync(join(tmpdir(), 'locks-bench-pack-'))
  try {
    const args = ['pack', '--json', '--pack-destination', destination]
    const { stdout } = await execute('pnpm', args, { cwd: join(PACKAGES, folder) })
    return readFileSync((JSON.parse(stdout) as { filename: string }).filename).length
  } finally {
    rmSync(destination, { recursive: true, force: true })
  }
}

export async function weight(names: readonly string[], rounds: number): Promise<void> {
  const present = Object.entries(MODULES).filter(([name]) => names.includes(name))
  const times = new Map(present.map(([name]) => [name, [] as number[]]))
  await interleaved(present, rounds, async ([name, modules]) => {
    times.get(name)?.push(await importTime(modules))
  })
  const milliseconds = (name: string): number => median(times.get(name) ?? [])
  console.log(`\nImport beyond ioredis, median of ${rounds} fresh processes`)
  console.log(
    table(
      ['', 'ms'],
      [...times.keys()].map((name) => [name, milliseconds(name).toFixed(1)]),
    ),
  )
  if (!times.has(OURS)) return
  console.log(verdict({ what: '@locks/core + @locks/redis', value: milliseconds(OURS), atMost: 12, unit: ' ms' }))
  const [redis, core] = [(await packedSize('redis')) / 1_000, (await packedSize('core')) / 1_000]
  console.log(verdict({ what: 'packed @locks/redis', value: redis, atMost: 25, unit: ' kB' }))
  console.log(`    packed @locks/core: ${core.toFixed(0)} kB`)
}
