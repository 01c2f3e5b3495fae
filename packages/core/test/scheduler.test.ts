import { expect, test } from 'vitest'
import type { Timer } from '../src/index.ts'
import { IDLE, Scheduler, type Task } from '../src/scheduler.ts'
import { VirtualTime } from './virtual-time.ts'

const task = (run: () => void): Task => ({ keepAlive: false, due: 0, slot: IDLE, run })

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

test('one timer serves all, and none is left a second after nothing is scheduled any more', async () => {
  const time = new VirtualTime()
  const scheduler = new Scheduler(time)
  const tasks = Array.from({ length: 100 }, () => task(() => undefined))
  for (const [index, each] of tasks.entries()) scheduler.schedule(each, time.mono + 10_000 - index)
  expect(time.timers).toBe(1)
  for (const each of tasks) scheduler.drop(each)
  await time.advance(1_000)
  expect(time.timers).toBe(0)
})

test('of two that are due at once, the first may drop the second or put it off', async () => {
  const time = new VirtualTime()
  const scheduler = new Scheduler(time)
  const ran: string[] = []
  const dropped = task(() => ran.push('dropped'))
  const putOff = task(() => ran.push(`put off until ${time.mono}`))
  const first = task(() => {
    ran.push('first')
    expect(scheduler.drop(dropped)).toBe(true)
    expect(scheduler.drop(dropped)).toBe(false)
    scheduler.schedule(putOff, start + 700)
  })
  const start = time.mono
  scheduler.schedule(first, start + 10)
  scheduler.schedule(dropped, start + 10)
  scheduler.schedule(putOff, start + 11)
  time.hang(20)
  await time.advance(2_000)
  expect(ran).toEqual(['first', `put off until ${start + 700}`])
  expect(time.timers).toBe(0)
})

test('the process is kept up while a task says so, and no longer', async () => {
  const time = new VirtualTime()
  let up = false
  const setTimer = (delay: number, callback: () => void, keepAlive: boolean): Timer => {
    up = keepAlive
    const timer = time.setTimer(delay, () => {
      up = false
      callback()
    })
    return {
      cancel: () => timer.cancel(),
      keepAlive(on) {
        up = on
      },
    }
  }
  const now = (): ReturnType<VirtualTime['now']> => time.now()
  const scheduler = new Scheduler({ now, setTimer, random: Math.random, id: String })
  const [deadline, other] = [task(() => undefined), task(() => undefined)]
  scheduler.schedule(deadline, time.mono + 60_000)
  expect(up).toBe(false)
  const request = scheduler.after(time.mono, 5_000, () => undefined, true)
  expect(up).toBe(true)
  const waiting = scheduler.after(time.mono, 3_500, () => undefined, true)
  scheduler.schedule(other, time.mono + 500)
  expect(up).toBe(true)
  scheduler.drop(request)
  await time.advance(3_000)
  expect(up).toBe(true)
  await time.advance(1_000)
  expect(up).toBe(false)
  scheduler.drop(waiting)
  scheduler.drop(scheduler.after(time.mono, 10, () => undefined, true))
  expect(up).toBe(false)
})
