import { expect, test } from 'vitest'
import { Scheduler, type Task } from '../src/scheduler.ts'
import { VirtualTime } from './virtual-time.ts'

const task = (run: () => void): Task => ({ due: 0, slot: -1, run })

test('tasks run in the order of their times, through any rescheduling and dropping', async () => {
  const time = new VirtualTime()
  const scheduler = new Scheduler(time)
  let seed = 7
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed / 2_147_483_647
  }
  const ran: { id: number; at: number }[] = []
  const tasks = Array.from({ length: 500 }, (_, id) => task(() => ran.push({ id, at: time.mono })))
  const expected = new Map<number, number>()
  for (let change = 0; change < 5_000; change += 1) {
    const id = Math.floor(random() * tasks.length)
    const chosen = tasks[id] as Task
    if (random() < 0.2) {
      scheduler.drop(chosen)
      expected.delete(id)
    } else {
      const due = time.mono + Math.floor(random() * 5_000)
      scheduler.schedule(chosen, due)
      expected.set(id, due)
    }
  }
  await time.advance(6_000)
  expect(ran).toHaveLength(expected.size)
  for (const { id, at } of ran) expect(at).toBe(expected.get(id))
  expect(time.timers).toBe(0)
})

test('one timer serves all, and none is left when nothing is scheduled', () => {
  const time = new VirtualTime()
  const scheduler = new Scheduler(time)
  const tasks = Array.from({ length: 100 }, () => task(() => undefined))
  for (const [index, each] of tasks.entries()) scheduler.schedule(each, time.mono + 10_000 - index)
  expect(time.timers).toBe(1)
  for (const each of tasks) scheduler.drop(each)
  expect(time.timers).toBe(0)
})
