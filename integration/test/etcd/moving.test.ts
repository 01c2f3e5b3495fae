/** Holds that move to another lease: by `renew(ttl)`, or with a hand-over. What the server is told of it gets lost, or is late. */
import { Lock } from '@locks/core'
import type { Transaction } from '@locks/etcd'
import type { Etcd3 } from 'etcd3'
import { expect, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import { backendOver, clientOf, etcd, Party, SECOND, type Send, unavailable } from './harness.ts'

/** Whether it puts a key that is there already. */
const isMove = ({ compare, success }: Transaction): boolean =>
  compare.some(({ value }) => value !== undefined) && success.some((operation) => operation.request_put !== undefined)

/** The lease that the only key of a lock is on. */
async function leaseOf(client: Etcd3): Promise<string | undefined> {
  const { kvs } = await client.kv.range({ key: Buffer.from('locks/'), range_end: Buffer.from('locks0') })
  return kvs[0]?.lease
}

test('a longer renewal whose answers get lost: the lease that the key may be on lives as long as the hold', async () => {
  const server = await etcd()
  const [client, other] = [clientOf(server), new Party([server])]
  let losesAnswers = false
  const backend = backendOver(client, async (send) => {
    const answer = await send()
    if (losesAnswers) throw unavailable()
    return answer
  })
  await new Lock('warm', { backend, ttl: 60 * SECOND }).using(() => undefined)
  const lease = await new Lock('a', { backend, ttl: 30 * SECOND }).acquire()
  losesAnswers = true
  await expect(lease.renew(60 * SECOND)).rejects.toMatchObject({ code: 'LOCK_BACKEND' })
  // The same session is named by an acquire that is given up, too: it ends as soon as nothing rests on it.
  await expect(new Lock('b', { backend, ttl: 60 * SECOND }).tryAcquire()).rejects.toMatchObject({
    code: 'LOCK_BACKEND',
  })
  losesAnswers = false
  await poll('that is taken back', async () => (await other.lock('b').tryAcquire())?.release())
  expect(await other.lock('a').tryAcquire({ timeout: SECOND })).toBeNull()
  await lease.renew()
  expect(await lease.release()).toBe(true)
})

test('a longer renewal that arrives after the next one does nothing', async () => {
  const server = await etcd()
  const client = clientOf(server)
  const late: Send[] = []
  let first = false
  const backend = backendOver(client, async (send, request) => {
    if (!first || !isMove(request)) return send()
    first = false
    late.push(send)
    throw unavailable()
  })
  const lease = await new Lock('a', { backend, ttl: 4 * SECOND }).acquire()
  first = true
  // Asked for twice: the first request is still on its way.
  await lease.renew(6 * SECOND)
  await lease.renew(60 * SECOND)
  const restsOn = await leaseOf(client)
  await Promise.all(late.map((send) => send()))
  expect(late).toHaveLength(1)
  expect(await leaseOf(client)).toBe(restsOn)
})

test('a lease that was attached, of which nothing was heard, runs out though its process lives on', async () => {
  const server = await etcd()
  const [one, other] = [new Party([server]), new Party([server])]
  let losesAnswers = false
  const backend = backendOver(clientOf(server), async (send, request) => {
    const answer = await send()
    if (losesAnswers && isMove(request)) throw unavailable()
    return answer
  })
  // It keeps the session of that length up.
  await new Lock('kept', { backend, ttl: 2 * SECOND }).acquire()
  const json = await (await one.lock('a', { ttl: 2 * SECOND }).acquire()).detach()
  losesAnswers = true
  await expect(Lock.attach(json, { backend })).rejects.toMatchObject({ code: 'LOCK_BACKEND' })
  await (await other.lock('a').acquire({ timeout: 6 * SECOND })).release()
})

test('attaching with a shorter ttl does not shorten the hold', async () => {
  const server = await etcd()
  const [one, other] = [new Party([server]), new Party([server])]
  const json = await (await one.lock('a', { ttl: 60 * SECOND }).acquire()).detach()
  const lease = await Lock.attach(json, { backend: other.backend, ttl: 2 * SECOND, autoRenew: false })
  expect(lease.remaining).toBeGreaterThan(50 * SECOND)
  expect((await one.lock('a').inspect()).holders).toMatchObject([{ remaining: expect.toSatisfy((ms) => ms > 50_000) }])
  expect(await lease.release()).toBe(true)
})

test('a permanent hold stays permanent when it is attached with a ttl', async () => {
  const server = await etcd()
  const [one, other] = [new Party([server]), new Party([server])]
  const json = await (await one.lock('a', { ttl: Number.POSITIVE_INFINITY }).acquire()).detach()
  const lease = await Lock.attach(json, { backend: other.backend, ttl: 2 * SECOND })
  expect(lease.remaining).toBe(Number.POSITIVE_INFINITY)
  expect(await lease.release()).toBe(true)
})
