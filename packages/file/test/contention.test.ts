import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import type { Success } from './children/hammer.ts'
import { freshDirectory, until } from './support.ts'

const script = fileURLToPath(new URL('children/hammer.ts', import.meta.url))
const DURATION = 4_000

function hammer(directory: string, name: string, threads = 0) {
  const args = [script, directory, String(DURATION), name, String(threads)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const successes = text(child.stdout).then(async (lines) => {
    expect(await ended).toBe(0)
    return lines.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Success]))
  })
  return { child, successes }
}

/** Stops one of them for a moment, again and again: wherever it happens to be. */
async function disturb(children: readonly ChildProcess[]): Promise<void> {
  const pause = (limit: number) => new Promise((resolve) => setTimeout(resolve, Math.random() * limit))
  for (const started = performance.now(); performance.now() - started < DURATION - 500; ) {
    const child = children[Math.floor(Math.random() * children.length)]
    child?.kill('SIGSTOP')
    await pause(40)
    child?.kill('SIGCONT')
    await pause(10)
  }
}

test('processes and threads that change and remove one record never both succeed on one version, and tokens rise', async () => {
  const directory = freshDirectory()
  const hammers = [hammer(directory, 'a'), hammer(directory, 'b'), hammer(directory, 'c'), hammer(directory, 'd', 2)]
  await disturb(hammers.map(({ child }) => child))
  const successes = (await Promise.all(hammers.map((one) => one.successes))).flat()
  expect(successes.length).toBeGreaterThan(500)
  expect(successes.filter(({ to }) => to === null).length).toBeGreaterThan(20)

  const replaced = successes.flatMap(({ from }) => (from === null ? [] : [from]))
  expect(new Set(replaced).size).toBe(replaced.length)

  const written = successes.filter(({ to }) => to !== null)
  expect(new Set(written.map(({ token }) => token)).size).toBe(written.length)
  // Whatever began after another one's end has the higher token.
  const ends = [...written].sort((one, other) => one.ended - other.ended)
  let highest = 0
  let next = 0
  for (const { began, token } of [...written].sort((one, other) => one.began - other.began)) {
    for (let earlier = ends[next]; earlier !== undefined && earlier.ended < began; earlier = ends[next]) {
      highest = Math.max(highest, earlier.token)
      next += 1
    }
    expect(token).toBeGreaterThan(highest)
  }
  await until('nothing is left behind', () => {
    const left = readdirSync(`${directory}/.new`)
    return left.length === 0
  })
}, 60_000)
