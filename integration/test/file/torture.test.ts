import { type ChildProcess, spawn } from 'node:child_process'
import { lutimesSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Sighting } from './children/contender.ts'
import { child, freshDirectory, now, pause } from './harness.ts'

const DURATION = 20_000
const PROCESSES = 4
const LOCKS = 3

interface Held {
  readonly token: bigint
  readonly from: number
  readonly until: number
}

/** From when until when each lease of a lock was held for certain. */
function intervals(sightings: readonly Sighting[], lock: string): Held[] {
  const held = new Map<string, Held>()
  for (const { name, token, at } of sightings) {
    if (name !== lock) continue
    const { from = at, until = at } = held.get(token) ?? {}
    held.set(token, { token: BigInt(token), from: Math.min(from, at), until: Math.max(until, at) })
  }
  return [...held.values()].sort((one, other) => one.from - other.from)
}

test('processes that are stopped, killed and started again never hold together, and tokens rise', async () => {
  const { parent, store } = freshDirectory()
  mkdirSync(store, { mode: 0o700 })
  const logs = join(parent, 'logs')
  mkdirSync(logs)
  const running: (ChildProcess | undefined)[] = []
  let started = 0
  let crashes = 0
  const start = (slot: number): void => {
    const args = [child('contender.ts'), store, join(logs, String(started)), String(LOCKS)]
    const contender = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] })
    contender.once('exit', (_code, signal) => {
      if (signal !== 'SIGKILL') crashes += 1
    })
    started += 1
    running[slot] = contender
  }
  onTestFinished(() => {
    for (const contender of running) contender?.kill('SIGKILL')
  })
  for (let slot = 0; slot < PROCESSES; slot += 1) start(slot)

  for (const begin = now(); now() - begin < DURATION; ) {
    await pause(Math.random() * 60)
    const slot = Math.floor(Math.random() * PROCESSES)
    if (Math.random() < 0.1) {
      running[slot]?.kill('SIGKILL')
      start(slot)
    } else {
      const contender = running[slot]
      contender?.kill('SIGSTOP')
      setTimeout(() => contender?.kill('SIGCONT'), Math.random() < 0.95 ? Math.random() * 40 : Math.random() * 900)
    }
    // Housekeeping takes every lock for one that was not used for long.
    const then = new Date(Date.now() - 3_600_000)
    for (const name of readdirSync(store)) {
      if (!name.includes('@') && name !== '.sweep') continue
      try {
        lutimesSync(join(store, name), then, then)
      } catch {
        // Just removed.
      }
    }
  }
  const ended = running.map((contender) => new Promise((resolve) => contender?.once('exit', resolve)))
  for (const contender of running) contender?.kill('SIGKILL')
  await Promise.all(ended)
  expect(crashes).toBe(0)

  const lines = readdirSync(logs).flatMap((log) => readFileSync(join(logs, log), 'utf8').split('\n'))
  // A line that a kill cut short counts for nothing.
  const sightings = lines.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line) as Sighting)
  let leases = 0
  for (let lock = 0; lock < LOCKS; lock += 1) {
    const held = intervals(sightings, `lock-${lock}`)
    leases += held.length
    for (const [index, one] of held.entries()) {
      const next = held[index + 1]
      if (next === undefined) break
      expect(next.token, `tokens of lock-${lock} in the order of their grants`).toBeGreaterThan(one.token)
      expect(next.from, `lock-${lock} held at once by ${one.token} and ${next.token}`).toBeGreaterThanOrEqual(one.until)
    }
  }
  expect(leases).toBeGreaterThan(200)
}, 90_000)
