import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { conduct } from '../src/conformance/conduct.ts'
import { messageOf } from '../src/conformance/failure.ts'
import type { Plan, PlannedCase } from '../src/conformance/plan.ts'
import type { Report } from '../src/conformance/report.ts'
import { Strays } from '../src/conformance/strays.ts'
import type { ConformanceTarget } from '../src/conformance/target.ts'
import { NativeBackend } from './native-backend.ts'

const target: ConformanceTarget = {
  name: 'none',
  capabilities: NativeBackend.capabilities,
  connect: () => {
    throw new Error('not needed')
  },
}

const planned = (title: string, run: PlannedCase['run'], timeout = 5_000): PlannedCase => ({
  theme: 'theme',
  title,
  timeout,
  run,
})
const planOf = (...cases: readonly PlannedCase[]): Plan => ({ seed: 1, cases, leftOut: [] })

describe('conduct', () => {
  let strays: Strays
  let foreign: readonly NodeJS.UncaughtExceptionListener[]
  const ending = new AbortController()
  const listener = { begins: vi.fn(), ended: vi.fn() }

  beforeEach(() => {
    // Those of the test runner would count what these tests throw.
    foreign = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    strays = new Strays()
  })
  afterEach(() => {
    strays.stop()
    for (const one of foreign) process.on('uncaughtException', one)
    vi.clearAllMocks()
  })

  const run = (plan: Plan, signal: AbortSignal = ending.signal): Promise<Report> =>
    conduct(target, plan, listener, { strays, only: [], signal })

  test('counts what nobody caught against the case at work, and against no other', async () => {
    const throws = (): Promise<void> =>
      new Promise((resolve) => {
        setTimeout(() => {
          setTimeout(resolve)
          throw new Error('astray')
        })
      })
    const report = await run(
      planOf(
        planned('a', async () => {}),
        planned('b', throws),
        planned('c', async () => {}),
      ),
    )
    expect(report.cases.map(({ outcome }) => outcome)).toEqual(['passed', 'failed', 'passed'])
    expect(report.cases[1]?.failure?.message).toBe('something was thrown that nobody caught: astray')
    expect([report.passed, report.failed]).toEqual([2, 1])
  })

  test("tells a case's own complaint and what nobody caught", async () => {
    const both = async (): Promise<void> => {
      setImmediate(() => {
        throw new Error('astray')
      })
      throw new Error('own')
    }
    const [only] = (await run(planOf(planned('a', both)))).cases
    expect(only?.failure?.message).toBe('own\n\nsomething was thrown that nobody caught: astray')
  })

  test('goes on after a case that never ends', async () => {
    const hangs = planned('a', () => new Promise(() => {}), 20)
    const report = await run(
      planOf(
        hangs,
        planned('b', async () => {}),
      ),
    )
    expect(report.cases.map(({ outcome }) => outcome)).toEqual(['failed', 'passed'])
    expect(report.cases[0]?.failure?.message).toContain('not within 20 ms')
  })

  test('stops at once when it is told to; the case at work counts as not run', async () => {
    const stop = new AbortController()
    const stops = planned('b', () => {
      stop.abort(2)
      return new Promise(() => {})
    })
    const report = await run(
      planOf(
        planned('a', async () => {}),
        stops,
        planned('c', async () => {}),
      ),
      stop.signal,
    )
    expect(report.cases.map(({ title }) => title)).toEqual(['a'])
    expect(report.notRun.map(({ title }) => title)).toEqual(['b', 'c'])
    expect(listener.begins).toHaveBeenCalledTimes(2)
  })

  test('reports failures without control characters, and frames without its own', async () => {
    const fails = planned('a', async () => {
      throw new Error('\u001b[31mred\u001b[0m')
    })
    const [only] = (await run(planOf(fails))).cases
    expect(only?.failure?.message).toBe('red')
    expect(only?.failure?.stack).toMatch(/^at .*conformance-command-conduct\.test\.ts/)
    expect(only?.failure?.stack).not.toMatch(/conduct\.ts:/)
  })
})

describe('what an error says', () => {
  test('includes its causes, each once', () => {
    const deepest = new Error('refused')
    expect(messageOf(new Error('no answer', { cause: new Error('no socket', { cause: deepest }) }))).toBe(
      'no answer: no socket: refused',
    )
    expect(messageOf(new Error('no answer: refused', { cause: deepest }))).toBe('no answer: refused')
    expect(messageOf('a text')).toBe('a text')
    expect(messageOf(new TypeError())).toBe('TypeError')
  })
})
