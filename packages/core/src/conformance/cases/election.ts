import assert from 'node:assert/strict'
import { LockError, LockLostError } from '../../index.ts'
import { Electorate } from '../electorate.ts'
import { refused } from '../expect.ts'
import type { Stage } from '../stage.ts'
import { fault, queue, type Theme, theme } from '../theme.ts'
import { eventually, sleep } from '../time.ts'

const CANDIDATES = 3
/** A pause after a term, or after the first failure, in milliseconds at most. */
const FIRST_PAUSE = 1_000

/** Nobody holds, and whoever asks gets the lock: no place in a queue was left behind. */
async function assertNothingLeft(t: Stage): Promise<void> {
  const lock = await t.lock()
  assert.deepEqual(await lock.inspect(), { holders: [], waiters: 0 })
  const lease = await lock.tryAcquire()
  assert.ok(lease, 'nobody holds the lock, and it is not granted')
  await lease.release()
}

export const election: Theme = theme('election', [
  {
    title: 'one candidate leads at a time, and tokens rise; those who wait are elected when the leader returns',
    async body(t) {
      const electorate = new Electorate(t)
      await Promise.all(Array.from({ length: CANDIDATES }, () => electorate.candidate()))
      const leaders = new Set<string>()
      for (let turn = 1; leaders.size < CANDIDATES; turn += 1) {
        assert.ok(turn <= 3 * CANDIDATES, `only ${[...leaders].join(' and ')} led in ${turn - 1} terms`)
        const term = await electorate.term(turn)
        leaders.add(term.who)
        await sleep(t.brief / 10)
        assert.equal(electorate.terms.length, turn, 'another was elected while the leader led')
        term.end()
      }
      t.history.assertRising()
      assert.deepEqual(electorate.errors, [])
    },
  },
  {
    title: 'a leader that stops leads until its work has ended, then another is elected',
    async body(t) {
      const electorate = new Electorate(t)
      const first = await electorate.candidate({ stubborn: true })
      const term = await electorate.term(1)
      await electorate.candidate()
      const stopping = first.stop()
      assert.equal(term.signal.aborted, true, 'the leader is not told that it must end')
      assert.equal(term.lease.signal.aborted, false, 'it has lost nothing')
      await sleep(t.brief)
      assert.equal(electorate.terms.length, 1, 'another leads while the work of the first goes on')
      term.end()
      await stopping
      const next = await electorate.term(2)
      assert.ok(next.lease.fencingToken > term.lease.fencingToken)
    },
  },
  {
    title: 'a leader that has stopped leaves no hold behind',
    async body(t) {
      const electorate = new Electorate(t)
      const one = await electorate.candidate()
      await electorate.term(1)
      await one.stop()
      await assertNothingLeft(t)
      assert.equal(await one.current(), null)
    },
  },
  {
    title: 'a candidate that stops while it campaigns leaves no waiter behind',
    needs: [queue],
    async body(t) {
      const electorate = new Electorate(t)
      const first = await electorate.candidate()
      await electorate.term(1)
      const second = await electorate.candidate()
      const lock = await t.lock()
      await eventually('the second waits', t.patience, async () => (await lock.inspect()).waiters === 1)
      await second.stop()
      assert.equal((await lock.inspect()).waiters, 0)
      await first.stop()
      await assertNothingLeft(t)
      assert.equal(electorate.terms.length, 1)
    },
  },
  {
    title: 'a leader that is not renewed has its signal aborted before another is elected',
    async body(t) {
      const electorate = new Electorate(t)
      await electorate.candidate({ ttl: t.ttl, autoRenew: false })
      const { lease, signal } = await electorate.term(1)
      await electorate.candidate()
      await electorate.term(2, t.expiry())
      assert.equal(lease.held, false)
      assert.ok(signal.reason instanceof LockLostError, `it is aborted with ${String(signal.reason)}`)
      assert.deepEqual(electorate.errors, [])
    },
  },
  {
    title: 'a leader that is cut off has its signal aborted before another is elected',
    needs: [fault('isolate', 'resume')],
    async body(t) {
      const electorate = new Electorate(t)
      const client = await t.client()
      await electorate.candidate({ ttl: t.ttl, requestTimeout: t.brief }, client)
      const first = await electorate.term(1)
      await electorate.candidate()
      await t.trouble('isolate', client)
      const second = await electorate.term(2, t.expiry() + t.ttl)
      assert.ok(first.signal.reason instanceof LockLostError, `it is aborted with ${String(first.signal.reason)}`)
      assert.ok(second.lease.fencingToken > first.lease.fencingToken)
    },
  },
  {
    title: 'what the leader throws is reported, leadership given up, and the campaign begun again',
    async body(t) {
      const electorate = new Electorate(t)
      const one = await electorate.candidate()
      const wrong = new Error('the work failed')
      const term = await electorate.term(1)
      term.fail(wrong)
      await eventually('leadership is given up', t.patience, async () => (await one.current()) === null)
      assert.deepEqual(electorate.errors, [wrong])
      const next = await electorate.term(2, FIRST_PAUSE + t.patience)
      assert.ok(next.lease.fencingToken > term.lease.fencingToken)
    },
  },
  {
    title: 'a leader whose lock was broken is told, and elected again only once its work has ended',
    async body(t) {
      const electorate = new Electorate(t)
      await electorate.candidate({ ttl: t.steady, stubborn: true })
      const term = await electorate.term(1)
      assert.equal(await (await t.lock()).forceRelease(), true)
      await eventually('its signal is aborted', t.steady + t.patience, () => term.signal.aborted)
      assert.ok(term.signal.reason instanceof LockLostError, `it is aborted with ${String(term.signal.reason)}`)
      await sleep(t.brief)
      assert.equal(electorate.terms.length, 1, 'it leads anew while its work goes on')
      term.end()
      const next = await electorate.term(2)
      assert.ok(next.lease.fencingToken > term.lease.fencingToken)
    },
  },
  {
    title: 'current() names the leader with its metadata and fencing token, to every candidate, or nobody',
    async body(t) {
      const electorate = new Electorate(t)
      const [first, second] = [await electorate.candidate(), await electorate.candidate()]
      for (let turn = 1; turn <= 2; turn += 1) {
        const { who, lease, end } = await electorate.term(turn)
        const { owner, fencingToken } = lease
        const leader = { owner, metadata: who, fencingToken }
        assert.deepEqual(await first.current(), leader)
        assert.deepEqual(await second.current(), leader)
        if (turn === 1) end()
      }
      await Promise.all([first.stop(), second.stop()])
      assert.deepEqual([await first.current(), await second.current()], [null, null])
    },
  },
  {
    title: 'an outage while it campaigns is reported and survived; meanwhile current() is LOCK_BACKEND',
    needs: [fault('pause', 'resume')],
    async body(t) {
      const electorate = new Electorate(t)
      const client = await t.client()
      await t.trouble('pause')
      const one = await electorate.candidate({ ttl: t.forlorn, requestTimeout: t.brief }, client)
      await refused(one.current(), 'LOCK_BACKEND')
      const [error] = await eventually(
        'the outage is reported',
        t.patience,
        () => electorate.errors.length > 0 && electorate.errors,
      )
      assert.ok(error instanceof LockError && error.code === 'LOCK_BACKEND', `${String(error)} is reported`)
      await t.trouble('resume')
      await electorate.term(1, FIRST_PAUSE + t.patience)
    },
  },
])
