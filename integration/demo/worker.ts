/**
 * One contender of the demo, in a process of its own: so many times it reads a number from a file, thinks for a moment,
 * and writes back one more. With a lock around it, or without.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Lock } from '@locks/core'
import { fileBackend } from '@locks/file'
import { now } from './clock.ts'

export interface Task {
  readonly locked: boolean
  readonly directory: string
  readonly counter: string
  readonly turns: number
  /** In this turn it stops halfway, holding the lock, until it is killed. */
  readonly stuckIn: number | null
}

export type News =
  | { readonly event: 'waits' }
  | { readonly event: 'holds'; readonly token: string; readonly waited: number; readonly at: number }
  | { readonly event: 'stuck' }
  | { readonly event: 'counted' }

const THINKING = 12
const task: Task = JSON.parse(process.argv[2] ?? '')
const tell = (news: News) => process.send?.(news)

async function addOne(turn: number): Promise<void> {
  const number = Number(readFileSync(task.counter, 'utf8'))
  if (turn === task.stuckIn) {
    tell({ event: 'stuck' })
    await sleep(60_000)
  }
  await sleep(THINKING)
  writeFileSync(task.counter, String(number + 1))
  tell({ event: 'counted' })
}

async function withLock(): Promise<void> {
  const backend = fileBackend(task.directory)
  const lock = new Lock('counter', { backend, timeout: 15_000 })
  for (let turn = 1; turn <= task.turns; turn += 1) {
    tell({ event: 'waits' })
    const asked = performance.now()
    await lock.using(async (lease) => {
      tell({ event: 'holds', token: String(lease.fencingToken), waited: performance.now() - asked, at: now() })
      await addOne(turn)
    })
  }
  await backend.close()
}

async function withoutLock(): Promise<void> {
  for (let turn = 1; turn <= task.turns; turn += 1) await addOne(turn)
}

await (task.locked ? withLock() : withoutLock())
process.disconnect()
