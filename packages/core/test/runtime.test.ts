import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { elapsed, type Instant, type Runtime, systemRuntime } from '../src/runtime.ts'

const at = (now: Instant): Runtime => ({ ...systemRuntime, now: () => now })

describe('elapsed time', () => {
  const since = { mono: 1_000, wall: 50_000 }

  test('is what both clocks say', () => {
    expect(elapsed(at({ mono: 1_300, wall: 50_300 }), since)).toBe(300)
  })

  test('counts a suspension, in which only the wall clock runs', () => {
    expect(elapsed(at({ mono: 1_010, wall: 90_000 }), since)).toBe(40_000)
  })

  test('is not shortened by a wall clock that was set back', () => {
    expect(elapsed(at({ mono: 1_300, wall: 20_000 }), since)).toBe(300)
  })
})

describe("the system's runtime", () => {
  test('has clocks that go on', async () => {
    const since = systemRuntime.now()
    await new Promise<void>((resolve) => {
      systemRuntime.setTimer(20, resolve, true)
    })
    expect(elapsed(systemRuntime, since)).toBeGreaterThanOrEqual(19)
  })

  test('makes ids of as many bytes as asked for, never the same twice', () => {
    const ids = Array.from({ length: 2_000 }, () => systemRuntime.id(16))
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{22}$/)
    expect(systemRuntime.id(8)).toMatch(/^[A-Za-z0-9_-]{11}$/)
    expect(Buffer.from(systemRuntime.id(16), 'base64url')).toHaveLength(16)
  })

  test.for([-5, 0, 0.4])('calls back soon for a delay of %d', async (delay) => {
    const since = performance.now()
    await new Promise<void>((resolve) => {
      systemRuntime.setTimer(delay, resolve, true)
    })
    expect(performance.now() - since).toBeLessThan(1_000)
  })

  test('does not call back early for a delay beyond what a timer can hold', async () => {
    const callback = vi.fn()
    const timer = systemRuntime.setTimer(2 ** 40, callback, true)
    await new Promise((resolve) => setTimeout(resolve, 20))
    timer.cancel()
    expect(callback).not.toHaveBeenCalled()
  })

  test('does not call back once a timer is cancelled', async () => {
    const callback = vi.fn()
    systemRuntime.setTimer(5, callback, true).cancel()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(callback).not.toHaveBeenCalled()
  })

  test('keeps the process alive only for timers that ask for it', () => {
    const timeouts = (): number => process.getActiveResourcesInfo().filter((type) => type === 'Timeout').length
    const before = timeouts()
    const idle = systemRuntime.setTimer(10_000, () => undefined, false)
    expect(timeouts()).toBe(before)
    const busy = systemRuntime.setTimer(10_000, () => undefined, true)
    expect(timeouts()).toBe(before + 1)
    idle.cancel()
    busy.cancel()
    expect(timeouts()).toBe(before)
  })
})

test('a delay longer than Node.js can hold does not fire early', () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  let fired = 0
  const longest = 2 ** 31 - 1
  systemRuntime.setTimer(longest + 10_000, () => (fired += 1), true)
  const cancelled = systemRuntime.setTimer(longest + 10_000, () => (fired += 10), true)
  vi.advanceTimersByTime(longest + 5_000)
  expect(fired).toBe(0)
  cancelled.cancel()
  vi.advanceTimersByTime(10_000)
  expect(fired).toBe(1)
})
