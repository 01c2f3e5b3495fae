import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { type ConformanceTarget, conformanceCases } from '../src/conformance/index.ts'
import type { AcquireRequest, LockBackend } from '../src/index.ts'
import { NativeBackend } from './native-backend.ts'
import { NativeServer } from './native-server.ts'
import { Network } from './network.ts'

const server = new NativeServer(new Network())
const sound: ConformanceTarget = {
  name: 'sound',
  capabilities: NativeBackend.capabilities,
  connect: () => new NativeBackend(server),
}

describe('the cases', () => {
  test('have names of their own, each behind its theme', () => {
    const names = conformanceCases({ ...sound, faults: new Network() }).map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    for (const name of names) expect(name).toMatch(/^[a-z-]+( [a-z-]+)?: \S/)
  })

  test('can be given to a test runner as they are', () => {
    for (const { name, run, timeout } of conformanceCases(sound)) {
      expect([typeof name, typeof run, run.length]).toEqual(['string', 'function', 0])
      expect(timeout).toBeGreaterThan(0)
    }
  })

  test('that need a fault are left out where it is not offered', () => {
    const names = conformanceCases(sound).map(({ name }) => name)
    const all = conformanceCases({ ...sound, faults: new Network() }).map(({ name }) => name)
    const outages = names.filter((name) => name.startsWith('outage:'))
    expect(outages).toEqual([])
    expect(all).toEqual(expect.arrayContaining(names))
    expect(all.length).toBeGreaterThan(names.length)
  })

  test('that need what the backend lacks are replaced by checks of its refusal', () => {
    const { capabilities } = sound
    const poor = { ...capabilities, modes: ['exclusive'], queue: 'none', list: false } as const
    const names = conformanceCases({ ...sound, capabilities: poor }).map(({ name }) => name)
    const refusals = names.filter((name) => name.includes('LOCK_UNSUPPORTED')).map((name) => name.split(':')[0])
    expect(refusals).toEqual(['fairness', 'shared', 'semaphore', 'inspection'])
    expect(names.filter((name) => name.startsWith('shared:'))).toHaveLength(1)
  })

  test('that need late requests to be refused are replaced where they run out', () => {
    const { capabilities } = sound
    const guarantee = { ...capabilities.guarantee, lateRequests: 'run out' } as const
    const namesOf = (target: ConformanceTarget) =>
      conformanceCases({ ...target, faults: new Network() }).map(({ name }) => name)
    const [strict, lenient] = [namesOf(sound), namesOf({ ...sound, capabilities: { ...capabilities, guarantee } })]
    expect(lenient.filter((name) => !strict.includes(name))).toEqual([
      'unknown outcome: what a request that arrives late takes ends with its ttl',
    ])
    expect(strict.filter((name) => !lenient.includes(name))).toEqual([
      'unknown outcome: cancel while the acquire is under way leaves nothing behind',
      'unknown outcome: requests that arrive late, of whatever step, leave nothing behind',
      'unknown outcome: requests that hung and are carried out later leave nothing behind',
      'abort: attempts that are aborted under way leave no hold behind, however far they have got',
      'abort: a request that is under way when its acquire is aborted leaves no hold behind',
    ])
  })

  test('say with which seed they failed, even if the error comes from another realm, as under Jest', async () => {
    const pause = (): never => {
      throw runInNewContext("new Error('no server')")
    }
    const cases = conformanceCases({ ...sound, faults: { pause, resume: () => undefined } }, { seed: 7 })
    const turmoil = cases.find(({ name }) => name.startsWith('turmoil: '))
    await expect(turmoil?.run()).rejects.toThrow('no server (seed 7)')
  })

  test('of turmoil go on until the lock was granted, where that takes longer than all the trouble', async () => {
    const shared = new NativeServer(new Network())
    const begun = performance.now()
    const slow = (): LockBackend => {
      const backend = new NativeBackend(shared)
      const acquire = backend.acquire.bind(backend)
      const isDown = () => performance.now() - begun < 5_000
      return Object.assign(backend, {
        acquire: async (request: AcquireRequest) => (isDown() ? { outcome: 'busy', retryAfter: 50 } : acquire(request)),
      })
    }
    const cases = conformanceCases({ ...sound, connect: slow, faults: { disconnect: () => undefined } }, { seed: 7 })
    await cases.find(({ name }) => name.startsWith('turmoil: no two'))?.run()
    expect(performance.now() - begun).toBeGreaterThan(5_000)
  })

  test('fail where a client declares other capabilities than the target', async () => {
    const capabilities = { ...sound.capabilities, list: false }
    const [first] = conformanceCases({ ...sound, capabilities })
    await expect(first?.run()).rejects.toThrow('declares other capabilities')
  })
})
