import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { child, freshDirectory } from './harness.ts'

const ADDITIONS = 150

test.each([
  ['threads of one process', 1, 3],
  ['processes and their threads', 3, 1],
])('%s exclude each other', async (_name, processes, threads) => {
  const { parent, store } = freshDirectory()
  const file = join(parent, 'number')
  writeFileSync(file, '0')
  const counters = Array.from({ length: processes }, () => {
    const args = [child('counter.ts'), store, file, String(ADDITIONS), String(threads)]
    const counter = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] })
    onTestFinished(() => void counter.kill('SIGKILL'))
    return once(counter, 'exit')
  })
  for (const counter of counters) expect(await counter).toEqual([0, null])
  expect(Number(readFileSync(file, 'utf8')), 'a count was lost').toBe(processes * (threads + 1) * ADDITIONS)
})
