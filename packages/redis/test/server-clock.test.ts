import { type Instant, type Runtime, systemRuntime } from '@locks/core'
import { expect, test } from 'vitest'
import { ServerClock } from '../src/server-clock.ts'

/** A clock of this process that is set by hand, and a server's clock that is ahead of it. */
function clocks(ahead: number) {
  const steps: number[] = []
  const time = { here: 1_000, server: ahead + 1_000 }
  const runtime: Runtime = { ...systemRuntime, now: (): Instant => ({ mono: time.here, wall: time.here }) }
  const clock = new ServerClock(runtime, (sooner) => void steps.push(sooner))
  /** A request that reaches the server after `there` ms and whose reply takes `back` ms. */
  const read = (there: number, back: number) => {
    const before = runtime.now()
    time.here += there
    time.server += there
    const reading = { before, server: Math.floor(time.server) }
    time.here += back
    time.server += back
    clock.observe(reading)
    return reading
  }
  const pass = (ms: number): void => {
    time.here += ms
    time.server += ms
  }
  return { clock, read, pass, steps, time }
}

test('slow and quick replies of a steady clock are no step', () => {
  const { read, pass, steps } = clocks(1_790_000_000_000)
  for (const [there, back] of [
    [1, 1],
    [300, 2],
    [2, 400],
    [0.2, 0.1],
    [900, 900],
    [0.1, 0.1],
  ] as const) {
    read(there, back)
    pass(1_000)
  }
  expect(steps).toEqual([])
})

test('a clock that runs one in two hundred too fast or slow is no step', () => {
  for (const rate of [0.005, -0.005]) {
    const { read, pass, steps, time } = clocks(5_000_000)
    for (let second = 0; second < 600; second += 1) {
      read(0.2, 0.2)
      pass(1_000)
      time.server += 1_000 * rate
    }
    expect(steps).toEqual([])
  }
})

test.for([60_000, 250, -60_000])('a step by %i ms is noticed with the next reply', (step) => {
  const { read, pass, steps, time, clock } = clocks(5_000_000)
  read(1, 1)
  pass(1_000)
  time.server += step
  read(1, 1)
  expect(steps).toHaveLength(1)
  expect(clock.epoch).toBe(1)
  // What is taken off the leases is never less than the step, and nothing is for one backwards.
  if (step > 0) expect(steps[0]).toBeGreaterThanOrEqual(step)
  expect(steps[0]).toBeLessThanOrEqual(Math.max(0, step) + 20)
  pass(1_000)
  read(1, 1)
  expect(steps).toHaveLength(1)
})

test('the latest time that the server may show is never before the one that it shows', () => {
  const { clock, read, pass, time } = clocks(5_000_000)
  expect(clock.known).toBe(false)
  read(40, 3)
  for (const ms of [0, 500, 60_000]) {
    pass(ms)
    expect(clock.latest(0, time.here)).toBeGreaterThanOrEqual(time.server)
    expect(clock.latest(3_000, time.here)).toBeGreaterThanOrEqual(time.server + 3_000)
    expect(clock.latest(3_000, time.here)).toBeLessThan(time.server + 3_000 + 43 + 0.02 * (ms + 3_000) + 2)
  }
})

test('a moment told in the server’s time is never later here than it was, nor later than now', () => {
  const { clock, read, pass, time } = clocks(5_000_000)
  const reading = read(30, 5)
  pass(1_000)
  const granted = { here: time.here, server: Math.floor(time.server) }
  pass(7)
  const moment = clock.momentOf(granted.server, reading)
  expect(moment.mono).toBeLessThanOrEqual(granted.here)
  expect(moment.mono).toBeGreaterThan(granted.here - 30 - 5 - 15)
  // A server that has taken over may be ahead.
  expect(clock.momentOf(granted.server + 5_000, reading).mono).toBeLessThanOrEqual(time.here)
})
