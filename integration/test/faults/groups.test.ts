import { expect, onTestFinished, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import { startCluster } from '../../servers/redis-cluster.ts'
import { startSentinel } from '../../servers/redis-sentinel.ts'
import { listens } from './harness.ts'

test('each node of a cluster stores the keys of its slots, and says who stores the others', async () => {
  const cluster = await startCluster()
  onTestFinished(() => cluster.stop())
  expect(cluster.nodes).toHaveLength(3)
  const owners = new Set()
  for (let index = 0; index < 30; index += 1) {
    const key = `key-${index}`
    const owner = await cluster.ownerOf(key)
    owners.add(owner)
    for (const node of cluster.nodes) {
      const answer = node.command('SET', key, 'v')
      if (node === owner) expect(await answer).toBe('OK')
      else await expect(answer).rejects.toThrow(new RegExp(`^MOVED \\d+ 127.0.0.1:${owner.port}$`))
    }
  }
  expect(owners.size).toBe(3)
})

test('a cluster without one of its nodes is down, until that comes back', async () => {
  const cluster = await startCluster({ nodeTimeout: 500 })
  onTestFinished(() => cluster.stop())
  const [first, second] = cluster.nodes
  if (first === undefined || second === undefined) throw new Error('there are three')
  await first.kill()
  const isDown = async (): Promise<boolean> =>
    `${await second.command('CLUSTER', 'INFO')}`.includes('cluster_state:fail')
  await poll('the others noticed', isDown)
  await first.restart({ data: 'lost' })
  await poll('it is whole again', async () => !(await isDown()))
})

test('sentinels name a replica the master when the master is gone, and what was replicated is there', {
  timeout: 90_000,
}, async () => {
  const group = await startSentinel()
  onTestFinished(() => group.stop())
  expect(await group.current()).toEqual({ host: '127.0.0.1', port: group.master.port })
  await group.master.command('SET', 'k', 'v')
  expect(await group.master.command('WAIT', 1, 5_000)).toBe(1)
  const [replica] = group.replicas
  expect(await group.failover()).toBe(replica)
  expect(await group.current()).toEqual({ host: '127.0.0.1', port: replica?.port })
  expect(await replica?.command('GET', 'k')).toBe('v')
  expect(await replica?.command('SET', 'k', 'w')).toBe('OK')

  // Nothing is down any more, and nobody is to think so: that would be one more failover, to a server without the data.
  for (const sentinel of group.sentinels)
    await sentinel.command('SENTINEL', 'SET', group.name, 'down-after-milliseconds', 120_000)
  await group.master.restart({ data: 'lost' })
  // Sentinels take their time over that.
  const caughtUp = async (): Promise<boolean> => (await group.master.command('GET', 'k')) === 'w'
  await poll('the old master has what the new one was told', caughtUp, 60_000)
})

test('nothing of a group listens after it was stopped', async () => {
  const group = await startSentinel({ replicas: 2 })
  await group.stop()
  await group.stop()
  const servers = [group.master, ...group.replicas, ...group.sentinels]
  expect(servers).toHaveLength(6)
  for (const server of servers) expect(await listens(server)).toBe(false)
})
