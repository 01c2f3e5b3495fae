import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const script = fileURLToPath(new URL('standstill/attempts.ts', import.meta.url))

/** As if the machine stood still: nothing of the process goes on, and its clocks do. */
async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGSTOP')
  await sleep(400)
  child.kill('SIGCONT')
}

/** Runs the script, and stops it in each attempt for which `stops` says so. Its lines, and its warnings. */
async function attempts(kind: string, failing: number, stops: (attempt: number) => boolean) {
  const child = spawn(process.execPath, [script, kind, String(failing)])
  const closed = once(child, 'close')
  const lines: string[] = []
  let warnings = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    warnings += text
  })
  for await (const line of createInterface(child.stdout)) {
    lines.push(line)
    if (!line.startsWith('attempt')) continue
    if (stops(lines.length)) await stop(child)
    child.stdin.write('go on\n')
  }
  await closed
  return { lines, warnings }
}

test('what fails while the machine stands still is run again, and a warning says so', async () => {
  const { lines, warnings } = await attempts('bound', 1, (attempt) => attempt === 1)
  expect(lines).toEqual(['attempt 1', 'attempt 2', 'passed'])
  expect(warnings).toMatch(
    /conformance of mine: "exclusion: two contenders never hold at once" is run again, as the machine stood still for \d{3,} ms while it failed: too late/,
  )
})

test('what fails each time fails, however often the machine stands still', async () => {
  const { lines } = await attempts('bound', 9, () => true)
  expect(lines).toEqual(['attempt 1', 'attempt 2', 'attempt 3', 'failed: too late'])
})

test('what fails on a machine that runs on is not run again', async () => {
  await expect
    .poll(async () => (await attempts('bound', 9, () => false)).lines, { timeout: 30_000 })
    .toEqual(['attempt 1', 'failed: too late'])
})

test('that two hold at once is final', async () => {
  const { lines } = await attempts('exclusion', 0, () => true)
  expect(lines).toEqual(['attempt 1', expect.stringMatching(/^failed: for .* held at once: client /)])
})
