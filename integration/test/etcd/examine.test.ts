import type { Finding, LockBackend } from '@locks/core'
import { expect, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import { clientOf, etcd, etcdCluster, keysOn, leasesOn, Party } from './harness.ts'

async function findings(backend: LockBackend): Promise<readonly Finding[]> {
  return (await backend.examine?.({ timeout: 3_000 })) ?? expect.fail('it has nothing to examine')
}

const about = (found: readonly Finding[], subject: string): readonly string[] =>
  found.flatMap((one) => (one.subject === subject ? [`${one.severity} ${one.message}`] : []))

test('a single server: what it is, and that it is alone', async () => {
  const server = await etcd()
  const found = await findings(new Party([server]).backend)
  expect(about(found, 'version')[0]).toContain(`etcd ${server.version}`)
  expect(about(found, 'members')).toEqual([expect.stringMatching(/^risk there is one member/)])
  expect(about(found, 'alarms')).toEqual(['ok there are none'])
  for (const subject of ['leader', 'quota', 'access', 'leases', 'latency', 'clock'])
    expect(about(found, subject)).toEqual([expect.stringMatching(/^ok/)])
})

test('the server is left as it was', async () => {
  const server = await etcd()
  const client = clientOf(server)
  await findings(new Party([server]).backend)
  expect(await keysOn(client)).toEqual([])
  expect(await leasesOn(client)).toEqual([])
})

test('a cluster of three is fine; without one of them that one is a risk', async () => {
  const { members, leader } = await etcdCluster()
  const { backend } = new Party(members)
  const found = await findings(backend)
  expect(about(found, 'members')).toEqual([expect.stringMatching(/^ok there are 3, of which 1 may fail/)])
  expect(found.filter(({ severity, subject }) => severity !== 'ok' && subject !== 'version')).toEqual([])
  const leading = await leader()
  const [follower] = members.filter((member) => member !== leading)
  await follower?.kill()
  const [risk] = about(await findings(backend), 'member')
  expect(risk).toMatch(new RegExp(`^risk 127.0.0.1:${follower?.port} does not answer`))
})

test('an alarm is a risk: a store that is full takes no new locks, and says so', async () => {
  const server = await etcd({ args: ['--quota-backend-bytes', '200000'] })
  const [client, party] = [clientOf(server), new Party([server])]
  const write = (): Promise<unknown> => client.put('big').value('x'.repeat(50_000)).exec()
  await poll('it is full', () =>
    write().then(
      () => false,
      (error) => /space exceeded/.test(String(error)),
    ),
  )
  expect(about(await findings(party.backend), 'alarms')).toEqual([expect.stringMatching(/^risk NOSPACE: no new locks/)])
  await expect(party.lock('a').tryAcquire()).rejects.toMatchObject({
    code: 'LOCK_BACKEND',
    message: expect.stringMatching(/out of space/),
  })
})

test('leases that are longer than was said are a risk', async () => {
  const server = await etcd({ args: ['--heartbeat-interval', '200', '--election-timeout', '2000'] })
  const found = await findings(new Party([server]).backend)
  expect(about(found, 'leases')).toEqual([expect.stringMatching(/^risk the shortest lease is 3000 ms/)])
})

test('a server that is not there can not be examined', async () => {
  await expect(findings(new Party([{ host: '127.0.0.1', port: 1 }]).backend)).rejects.toThrow(/ECONNREFUSED/)
})
