/** Servers' wall clocks are set while locks are held: each judges the holds by its own. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { RedisServer } from '../../servers/redis-binary.ts'
import { redis } from './harness.ts'
import { QuorumParty } from './quorum-harness.ts'

const MINUTE = 60_000

async function three(): Promise<[RedisServer, RedisServer, RedisServer]> {
  return [await redis({ faketime: true }), await redis({ faketime: true }), await redis({ faketime: true })]
}

test('a step of one clock ends no lease, though another one was renewed while it was released', async () => {
  const nodes = await three()
  const party = await QuorumParty.at(nodes)
  await (await party.lock('first').acquire()).release()
  const kept = await party.lock('kept').acquire()
  const lease = await party.lock('a').acquire()
  await lease.renew()
  await sleep(300)
  party.proxies[2]?.delay(100, 100)
  await lease.renew()
  await lease.release()
  await sleep(500)
  nodes[2].stepClock(MINUTE)
  await sleep(1_500)
  expect(kept.held).toBe(true)
  expect(await kept.release()).toBe(true)
})

test('a step of one clock ends no lease', async () => {
  const nodes = await three()
  const party = await QuorumParty.at(nodes)
  await (await party.lock('first').acquire()).release()
  const kept = await party.lock('kept').acquire()
  await sleep(300)
  nodes[2].stepClock(MINUTE)
  await sleep(1_500)
  expect(kept.held).toBe(true)
  expect(await kept.release()).toBe(true)
})
