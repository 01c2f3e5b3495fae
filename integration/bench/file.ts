// @locks/file beside what is used in its place: open('wx') + unlink, and proper-lockfile.
import { spawn } from 'node:child_process'
import fs, { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { Lock } from '@locks/core'
import { fileBackend } from '@locks/file'
import properLockfile from 'proper-lockfile'
import type { Report, Subject } from './children/file-contender.ts'

const ROUNDS = 31
const CYCLES = 300
const PROCESSES = 2
const TASKS = 8
const DURATION = 5_000

const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b)
const median = (values: readonly number[]): number => sorted(values)[Math.floor(values.length / 2)] ?? Number.NaN

function exclusiveFile(file: string): () => Promise<void> {
  const call = (start: (done: (error: Error | null, descriptor?: number) => void) => void): Promise<number> =>
    new Promise((resolve, reject) => {
      start((error, descriptor = 0) => (error ? reject(error) : resolve(descriptor)))
    })
  return async () => {
    const descriptor = await call((done) => fs.open(file, 'wx', done))
    await call((done) => fs.close(descriptor, done))
    await call((done) => fs.unlink(file, done))
  }
}

async function uncontended(directory: string): Promise<void> {
  const lock = new Lock('bench', { backend: fileBackend(join(directory, 'locks')) })
  const subjects = {
    '@locks/file': async () => {
      const lease = await lock.acquire()
      await lease.release()
    },
    "open('wx') + unlink": exclusiveFile(join(directory, 'file')),
    'proper-lockfile': async () => {
      const release = await properLockfile.lock(join(directory, 'proper'), { realpath: false })
      await release()
    },
  }
  const times = new Map<string, number[]>(Object.keys(subjects).map((name) => [name, []]))
  // Interleaved, so that whatever else the machine does hits all alike.
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [name, cycle] of Object.entries(subjects)) {
      const start = performance.now()
      for (let count = 0; count < CYCLES; count += 1) await cycle()
      times.get(name)?.push(((performance.now() - start) / CYCLES) * 1_000)
    }
  console.log('Uncontended, acquire + release of one lock:')
  const own = times.get('@locks/file') ?? []
  for (const [name, each] of times) {
    const ratio = median(each.map((time, round) => time / (own[round] ?? Number.NaN)))
    console.log(`  ${name.padEnd(20)} ${median(each).toFixed(0).padStart(6)} µs  ${ratio.toFixed(2)} × ours`)
  }
}

async function contended(subject: Subject, directory: string): Promise<void> {
  const script = fileURLToPath(new URL('children/file-contender.ts', import.meta.url))
  const place = join(directory, `contended-${subject}`)
  mkdirSync(place)
  const reports = await Promise.all(
    Array.from({ length: PROCESSES }, async () => {
      const args = [script, subject, place, String(TASKS), String(DURATION)]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      return JSON.parse(await text(child.stdout)) as Report
    }),
  )
  const tasks = reports.flatMap((report) => report.turns)
  const turns = tasks.flat().sort((a, b) => a.granted - b.granted)
  const handOffs = turns.slice(1).map(({ granted }, index) => granted - (turns[index]?.released ?? Number.NaN))
  const overlaps = turns.filter(({ granted }, index) => granted < (turns[index - 1]?.released ?? 0)).length
  const span = ((turns.at(-1)?.released ?? 0) - (turns[0]?.granted ?? 0)) / 1_000
  const counts = tasks.map(({ length }) => length)
  const fewest = Math.min(...counts)
  const calls = reports.reduce((sum, report) => sum + report.calls, 0) / turns.length
  console.log(
    `  ${subject.padEnd(16)} ${(turns.length / span).toFixed(0).padStart(5)}/s  hand-off p50 ${median(handOffs).toFixed(2)} ms` +
      `  longest wait ${Math.max(...turns.map(({ wait }) => wait)).toFixed(0)} ms` +
      `  most/fewest turns ${Math.max(...counts)}/${fewest}${fewest > 0 ? ` = ${(Math.max(...counts) / fewest).toFixed(2)}` : ''}` +
      `  fs calls per turn ${calls.toFixed(1)}${overlaps > 0 ? `  OVERLAPS ${overlaps}` : ''}`,
  )
}

const directory = mkdtempSync(join(tmpdir(), 'locks-bench-'))
try {
  await uncontended(directory)
  console.log(`\nContended, ${PROCESSES} processes of ${TASKS} tasks, each holding 1 ms and then away for 10 ms:`)
  for (const subject of ['locks', 'locks-strict', 'open-wx', 'proper-lockfile'] as const)
    await contended(subject, directory)
} finally {
  rmSync(directory, { recursive: true, force: true })
}
