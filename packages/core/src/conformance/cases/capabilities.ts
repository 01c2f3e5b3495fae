import assert from 'node:assert/strict'
import { type Capabilities, Lock } from '../../index.ts'
import { assertHeld, counted, granted, rejection } from '../expect.ts'
import { type Theme, theme } from '../theme.ts'

const among =
  (...allowed: readonly unknown[]) =>
  (value: unknown, name: string): void =>
    assert.ok(allowed.includes(value), `${name} is ${String(value)}: it must be one of ${allowed.join(', ')}`)

const either = among(true, false)
const exclusionAcross = among(true, false, 'n/a')
const fencingAcross = among(true, false, 'clock', 'n/a')

function assertDeclared({ modes, queue, wakeup, ttl, list, guarantee }: Capabilities): void {
  assert.ok(modes.includes('exclusive'), 'modes include exclusive')
  for (const mode of modes) among('exclusive', 'shared', 'semaphore')(mode, 'modes')
  assert.equal(new Set(modes).size, modes.length, 'modes are named once')
  among('fifo', 'none')(queue, 'queue')
  among('push', 'poll')(wakeup, 'wakeup')
  either(list, 'list')
  either(ttl.infinite, 'ttl.infinite')
  for (const name of ['min', 'max', 'granularity'] as const)
    assert.ok(Number.isFinite(ttl[name]) && ttl[name] > 0, `ttl.${name} is ${ttl[name]}: it must be finite and above 0`)
  assert.ok(ttl.min <= ttl.max, 'ttl.min is not above ttl.max')
  const worth = ttl.min * 0.99 - 2 - ttl.granularity
  assert.ok(worth > 0, `nothing would be left of a ttl of ${ttl.min} after a grain of ${ttl.granularity}`)
  among('process', 'host', 'network')(guarantee.scope, 'guarantee.scope')
  among('shared clock', 'observation')(guarantee.expiry, 'guarantee.expiry')
  among('at once', 'after its ttl')(guarantee.deadHolder, 'guarantee.deadHolder')
  among('refused', 'run out')(guarantee.lateRequests, 'guarantee.lateRequests')
  for (const event of ['restart', 'failover', 'dataLoss', 'clockStep'] as const)
    exclusionAcross(guarantee.exclusionAcross[event], `guarantee.exclusionAcross.${event}`)
  for (const event of ['restart', 'dataLoss'] as const)
    fencingAcross(guarantee.fencingAcross[event], `guarantee.fencingAcross.${event}`)
  assert.ok(guarantee.caveat.length > 0, 'guarantee.caveat says what is not promised')
}

export const capabilities: Theme = theme('capabilities', [
  {
    title: 'they are declared completely, and the same by every client',
    async body(t) {
      const [first, second] = [await t.client(), await t.client()]
      assertDeclared(first.capabilities)
      assert.deepEqual(first.capabilities, second.capabilities)
      assert.match(first.name, /^[a-z][a-z0-9-]*$/)
      assert.deepEqual([first.name, first.location], [second.name, second.location])
    },
  },
  {
    title: 'a ttl outside of what is declared is a RangeError, before anything is sent',
    async body(t) {
      const { min, max } = t.capabilities.ttl
      const { backend, calls } = counted(await t.client())
      const lock = new Lock(t.name, t.options(backend))
      for (const ttl of [min - 0.5, min / 2, max + 1]) {
        const error = await rejection(lock.acquire({ ttl }))
        assert.ok(error instanceof RangeError, `with a ttl of ${ttl}: ${String(error)}`)
        assert.ok((await rejection(lock.tryAcquire({ ttl }))) instanceof RangeError)
      }
      assert.equal(calls(), 0)
      const lease = await lock.acquire()
      assert.ok((await rejection(lease.renew(min / 2))) instanceof RangeError)
      assert.ok((await rejection(lease.renew(max + 1))) instanceof RangeError)
      assertHeld(lease)
    },
  },
  {
    title: 'the shortest and the longest ttl declared are possible',
    async body(t) {
      const { min, max } = t.capabilities.ttl
      const [short, long] = await t.contenders(2)
      assert.ok(short && long)
      granted(await short.acquire({ ttl: min }))
      const grant = await long.insist(t.expiry(min), t.pause, { ttl: max })
      assert.ok(
        grant !== undefined && grant.ttl <= max + t.capabilities.ttl.granularity,
        `granted for ${grant?.ttl} ms`,
      )
      assert.equal((await long.renew(max)).outcome, 'renewed')
      assert.equal((await short.acquire()).outcome, 'busy')
      assert.equal(await long.release(), true)
    },
  },
  {
    title: 'a ttl with a fraction is possible',
    async body(t) {
      const contender = await t.contender()
      granted(await contender.acquire({ ttl: t.ttl + 0.3 }))
      assert.equal((await contender.renew(t.long - 0.7)).outcome, 'renewed')
      assert.equal(await contender.release(), true)
    },
  },
])
