/** Real containers that share a volume, where there is an engine. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GenericContainer, type StartedTestContainer } from 'testcontainers'
import { expect, onTestFinished, test } from 'vitest'
import { ownerLabels } from '../../servers/container-owner.ts'
import { sourceOf } from '../../servers/versions.ts'
import { freshDirectory, now, pause, until } from './harness.ts'

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url))
const SHARED = '/shared'
const TTL = 1_500

/** Any image with a C library does: the Node.js that runs these tests is lent to it. */
const source = await sourceOf('redis', '8.0')

/** A container with this checkout at its place, read-only, and a folder that it shares. */
async function container(image: string, folder: string): Promise<StartedTestContainer> {
  const started = await new GenericContainer(image)
    .withEntrypoint(['/opt/node/node', '-e', 'setInterval(() => undefined, 1e6)'])
    .withBindMounts([
      { source: REPOSITORY, target: REPOSITORY, mode: 'ro' },
      // Its own place first: a workspace may have its Node.js among its packages.
      { source: dirname(process.execPath), target: '/opt/node', mode: 'ro' },
      { source: folder, target: SHARED, mode: 'rw' },
    ])
    .withLabels(ownerLabels())
    .withAutoCleanup(false)
    .start()
  onTestFinished(async () => void (await started.stop({ timeout: 0 })))
  return started
}

async function run(where: StartedTestContainer, script: string, ...args: readonly string[]): Promise<void> {
  const path = fileURLToPath(new URL(`children/${script}.ts`, import.meta.url))
  const { exitCode, output } = await where.exec(['/opt/node/node', path, ...args])
  if (exitCode !== 0) throw new Error(`${script} ended with ${exitCode}: ${output}`)
}

interface Granted {
  readonly token: string
  readonly at: number
}

function granted(file: string): Granted | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Granted) : undefined
}

if ('image' in source) {
  const { image } = source

  test('processes of two containers exclude each other', async () => {
    const { parent } = freshDirectory()
    writeFileSync(join(parent, 'count'), '0')
    const both = await Promise.all([container(image, parent), container(image, parent)])
    const work = both.flatMap((one) => [one, one])
    await Promise.all(work.map((one) => run(one, 'counter', `${SHARED}/store`, `${SHARED}/count`, '100')))
    expect(readFileSync(join(parent, 'count'), 'utf8'), 'a count was lost').toBe('400')
  }, 90_000)

  test('a live holder is not taken for dead, and one whose container is killed is replaced after its ttl', async () => {
    const { parent } = freshDirectory()
    const [one, other] = await Promise.all([container(image, parent), container(image, parent)])
    const hold = (where: StartedTestContainer, name: string): void => {
      run(where, 'holder', `${SHARED}/store`, `${SHARED}/${name}`, String(TTL)).catch(() => undefined)
    }
    hold(one, 'first')
    const first = await until('the first one holds', () => granted(join(parent, 'first')))
    hold(other, 'second')
    // In its own container nobody has the first one's process id.
    for (const started = now(); now() - started < 3 * TTL; await pause(50))
      expect(granted(join(parent, 'second'))).toBeUndefined()
    const killed = now()
    await one.stop({ timeout: 0 })
    const second = await until('the second one holds', () => granted(join(parent, 'second')), 20_000)
    expect(BigInt(second.token)).toBeGreaterThan(BigInt(first.token))
    expect(second.at - killed).toBeGreaterThan(0)
    expect(second.at - killed).toBeLessThan(2 * TTL + 3_000)
  }, 90_000)
} else {
  test('containers are left out where no image can be had', () => expect(source).not.toHaveProperty('image'))
}
