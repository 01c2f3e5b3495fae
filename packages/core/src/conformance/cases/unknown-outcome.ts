import assert from 'node:assert/strict'
import { busy, granted } from '../expect.ts'
import { lateRefused, queue, type Theme, theme } from '../theme.ts'
import { eventually, now, sleep, turns } from '../time.ts'
import { assertFree, lostAndLate } from './lost-and-late.ts'

export const unknownOutcome: Theme = theme('unknown outcome', [
  {
    title: 'an acquire repeated with its token adopts the grant: one hold, one fencing token',
    async body(t) {
      const contender = await t.contender()
      const { fencingToken } = granted(await contender.acquire())
      assert.equal(granted(await contender.acquire()).fencingToken, fencingToken)
      const { holders } = await (await t.lock()).inspect()
      assert.deepEqual(
        holders.map(({ owner }) => owner),
        [contender.owner],
      )
      assert.equal(await contender.release(), true)
      await assertFree(t)
    },
  },
  {
    title: 'an acquire repeated with its token arms the ttl anew',
    async body(t) {
      const [first, second] = await t.contenders(2)
      assert.ok(first && second)
      granted(await first.acquire({ ttl: t.ttl }))
      await sleep(t.ttl / 2)
      const sent = now()
      granted(await first.acquire({ ttl: t.ttl }))
      assert.ok(await second.insist(t.expiry(), t.pause), 'it is never replaced')
      const took = now() - sent
      assert.ok(took >= t.ttl - t.capabilities.ttl.granularity, `replaced ${took} ms after the repetition`)
    },
  },
  {
    title: 'an acquire repeated with a shorter ttl does not shorten the hold',
    async body(t) {
      const [first, second] = await t.contenders(2)
      assert.ok(first && second)
      granted(await first.acquire({ ttl: t.long }))
      granted(await first.acquire({ ttl: t.ttl }))
      for (const started = now(); now() - started < 2 * t.ttl; await sleep(t.ttl / 4)) busy(await second.acquire())
      assert.equal(await first.release(), true)
    },
  },
  {
    title: 'an acquire repeated after its grant ran out is granted anew, for its whole ttl',
    async body(t) {
      const [first, second] = await t.contenders(2)
      assert.ok(first && second)
      const { key, patience: timeout } = t
      const { fencingToken } = granted(await first.acquire({ ttl: t.ttl }))
      for (const { backend } of [first, second]) await backend.inspect({ key, timeout })
      await sleep(t.expiry() - timeout + t.slack)
      const sent = now()
      const again = granted(await first.acquire({ ttl: t.ttl }))
      assert.ok(again.fencingToken >= fencingToken)
      assert.ok(await second.insist(t.expiry(), t.pause), 'it is never replaced')
      const took = now() - sent
      assert.ok(took >= t.ttl - t.capabilities.ttl.granularity, `replaced ${took} ms after the repetition`)
    },
  },
  {
    title: 'cancel takes back a grant',
    async body(t) {
      const contender = await t.contender()
      granted(await contender.acquire())
      await contender.cancel()
      await contender.cancel()
      assert.deepEqual(await contender.renew(), { outcome: 'lost' })
      await assertFree(t)
    },
  },
  {
    title: 'cancel gives up a place in the queue',
    needs: [queue],
    async body(t) {
      const [holder, quitter, next] = await t.contenders(3)
      assert.ok(holder && quitter && next)
      granted(await holder.acquire())
      busy(await quitter.enqueue())
      busy(await next.enqueue())
      await quitter.cancel()
      assert.equal((await (await t.lock()).inspect()).waiters, 1)
      assert.equal(await holder.release(), true)
      await eventually('the next in the queue is granted', t.patience, async () =>
        (await next.enqueue()).outcome === 'granted' ? true : null,
      )
    },
  },
  {
    title: 'cancel of a token that never asked changes nothing',
    async body(t) {
      const [holder, stranger] = await t.contenders(2)
      assert.ok(holder && stranger)
      await stranger.cancel()
      granted(await holder.acquire())
      await stranger.cancel()
      assert.equal((await holder.renew()).outcome, 'renewed')
    },
  },
  {
    title: 'cancel while the acquire is under way leaves nothing behind',
    needs: [lateRefused],
    async body(t) {
      const [client, other] = [await t.client(), await t.client()]
      for (let round = 0; round < 60; round += 1) {
        // What the client may remember of the lock is out of date then.
        if (round % 3 !== 0) {
          const before = await t.contender({}, other)
          granted(await before.acquire())
          await before.release()
        }
        const contender = await t.contender({}, client)
        const attempt = contender.acquire()
        // At the same moment the one may overtake the other; later, it finds the other half done.
        await turns(round % 2 === 0 ? 0 : round % 10)
        await Promise.allSettled([attempt, contender.cancel()])
        assert.deepEqual(await contender.renew(), { outcome: 'lost' })
      }
      await assertFree(t)
    },
  },
  ...lostAndLate,
])
