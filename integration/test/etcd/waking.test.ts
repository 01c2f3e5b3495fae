/** Watches that are cut, begin too late, or die silently: who waits gets the lock all the same. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Lock } from '@locks/core'
import { expect, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import { backendOver, clientOf, etcd, now, Party, proxyTo } from './harness.ts'

/** A holder, and one who waits through a proxy. */
async function waitingThroughProxy() {
  const server = await etcd()
  const proxy = await proxyTo(server)
  const [holder, waiter] = [new Party([server]), new Party([proxy])]
  const lease = await holder.lock('a').acquire()
  const waiting = waiter.lock('a').acquire({ timeout: 25_000 })
  await poll('it waits', async () => (await holder.lock('a').inspect()).waiters === 1)
  await poll('it watches', async () => (await server.metric('etcd_debugging_mvcc_watcher_total')) === 2)
  return { server, proxy, holder, lease, waiting }
}

test('a release wakes the waiter at once', async () => {
  const { lease, waiting } = await waitingThroughProxy()
  const released = now()
  await lease.release()
  await (await waiting).release()
  expect(now() - released).toBeLessThan(500)
})

test('a watch that is cut is made again: a release after that wakes at once', async () => {
  const { server, proxy, lease, waiting } = await waitingThroughProxy()
  proxy.cut()
  await poll('it does not watch', async () => (await server.metric('etcd_debugging_mvcc_watcher_total')) === 0)
  await poll('it watches again', async () => (await server.metric('etcd_debugging_mvcc_watcher_total')) === 2)
  const released = now()
  await lease.release()
  await (await waiting).release()
  expect(now() - released).toBeLessThan(1_000)
})

test('a release while the watch is cut is seen when it is back', async () => {
  const { proxy, lease, waiting } = await waitingThroughProxy()
  proxy.refuse()
  proxy.cut()
  await lease.release()
  await sleep(100)
  await proxy.resume()
  const back = now()
  await (await waiting).release()
  expect(now() - back).toBeLessThan(3_500)
})

test('a watch that is resumed from revisions which were compacted away loses nobody', async () => {
  const { server, proxy, lease, waiting } = await waitingThroughProxy()
  const client = clientOf(server)
  proxy.refuse()
  proxy.cut()
  // What happened meanwhile can't be told to who comes back.
  await lease.release()
  for (let round = 0; round < 3; round += 1) await client.put('other').value(String(round)).exec()
  const { header } = await client.kv.range({ key: Buffer.from('other') })
  await client.kv.compact({ revision: header.revision, physical: true })
  await proxy.resume()
  const back = now()
  await (await waiting).release()
  expect(now() - back).toBeLessThan(3_500)
})

test('a watch that begins in what was compacted away is made anew', async () => {
  const server = await etcd()
  const proxy = await proxyTo(server)
  const client = clientOf(server)
  const [holder, waiter] = [new Party([server]), new Party([proxy])]
  const lease = await holder.lock('a').acquire()
  await waiter.lock('warm').using(() => undefined)
  // Between its look and its watch, which come late, the revision that it begins with goes.
  proxy.delay(150, 150)
  const waiting = waiter.lock('a').acquire({ timeout: 25_000 })
  await poll('it waits', async () => (await holder.lock('a').inspect()).waiters === 1)
  await client.put('other').value('1').exec()
  await lease.release()
  await client.put('other').value('2').exec()
  const { header } = await client.kv.range({ key: Buffer.from('other') })
  await client.kv.compact({ revision: header.revision, physical: true })
  await proxy.resume()
  const back = now()
  await (await waiting).release()
  // Sooner than by a look from time to time.
  expect(now() - back).toBeLessThan(1_300)
})

test('a watch that is silently dead is noticed', async () => {
  const { proxy, lease, waiting } = await waitingThroughProxy()
  proxy.pause()
  await lease.release()
  await sleep(300)
  // What was sent meanwhile is gone, and the connection stands as if nothing had been.
  proxy.halfOpen()
  await proxy.resume()
  await (await waiting).release()
})

test('where nothing can be watched, who waits looks from time to time, and not all the time', async () => {
  const server = await etcd()
  const [holder, client] = [new Party([server]), clientOf(server)]
  const lease = await holder.lock('a').acquire()
  let looks = 0
  const backend = backendOver(client, (send) => {
    looks += 1
    return send()
  })
  client.watchClient.watch = () => Promise.reject(new Error('UNAVAILABLE: no streams here'))
  const waiting = new Lock('a', { backend }).acquire({ timeout: 20_000 })
  await sleep(5_000)
  expect(looks).toBeLessThan(15)
  await lease.release()
  await (await waiting).release()
})
