/** Users, passwords, and tokens that run out. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Lock, type LockBackend } from '@locks/core'
import { etcdBackend } from '@locks/etcd'
import { Etcd3 } from 'etcd3'
import { expect, onTestFinished, test } from 'vitest'
import type { EtcdServer } from '../../servers/etcd-binary.ts'
import { poll } from '../../servers/poll.ts'
import { backendError, etcd, hostOf, staysHeld } from './harness.ts'

const PASSWORD = 'p@ss/word:'

/** A server that lets `ada` at the keys of the prefix only, by tokens that run out after a second without use. */
async function guarded(): Promise<{ readonly server: EtcdServer; readonly root: Etcd3 }> {
  const server = await etcd({ args: ['--auth-token-ttl', '1'] })
  const open = new Etcd3({ hosts: hostOf(server) })
  onTestFinished(() => open.close())
  await open.role('root').create()
  await open.user('root').create('root')
  await open.user('root').addRole('root')
  await open.role('locks').create()
  await open.role('locks').grant({ permission: 'Readwrite', range: open.range({ prefix: 'locks/' }) })
  await open.user('ada').create(PASSWORD)
  await open.user('ada').addRole('locks')
  await open.auth.authEnable()
  const root = new Etcd3({ hosts: hostOf(server), auth: { username: 'root', password: 'root' } })
  onTestFinished(() => root.close())
  return { server, root }
}

function open(given: Parameters<typeof etcdBackend>[0]): LockBackend {
  const backend = etcdBackend(given)
  onTestFinished(() => backend.close())
  return backend
}

const ada = (server: EtcdServer, password = PASSWORD): LockBackend =>
  open(`etcd://ada:${encodeURIComponent(password)}@${hostOf(server)}`)

test('a user with readwrite on the prefix can do everything, from a URL', async () => {
  const { server } = await guarded()
  const [one, other] = [ada(server), ada(server)]
  const lease = await new Lock('a', { backend: one }).acquire()
  expect(await new Lock('a', { backend: other }).tryAcquire()).toBeNull()
  const waiting = new Lock('a', { backend: other }).acquire()
  await poll('it waits', async () => (await new Lock('a', { backend: one }).inspect()).waiters === 1)
  await lease.renew()
  await lease.release()
  await (await waiting).release()
  expect(await one.list({ namespace: '', prefix: '', timeout: 1_000 })).toEqual([])
})

test('tokens that run out while nothing is asked are made anew: for requests, signs of life and watches', {
  timeout: 60_000,
}, async () => {
  const { server } = await guarded()
  const [one, other] = [ada(server), ada(server)]
  const lease = await new Lock('a', { backend: one, ttl: 9_000 }).acquire()
  // By the first sign of life, three seconds on, its token is gone.
  await staysHeld(lease, 10_000)
  const waiting = new Lock('a', { backend: other }).acquire({ timeout: 30_000 })
  await poll('it waits', async () => (await new Lock('a', { backend: one }).inspect()).waiters === 1)
  await sleep(3_000)
  await lease.release()
  const next = await waiting
  await sleep(2_500)
  expect(await next.release()).toBe(true)
  await new Lock('b', { backend: one }).using(() => undefined)
})

test('a wrong password is said to be one, and not shown', async () => {
  const { server } = await guarded()
  const refused = new Lock('a', { backend: ada(server, 'wr0ng') }).tryAcquire()
  await expect(refused).rejects.toMatchObject(backendError(/lock "a" on etcd .*another user name or password/))
  await expect(refused).rejects.toMatchObject({ message: expect.not.stringContaining('wr0ng') })
})

test('keys that a user may not write are said to be those', async () => {
  const { server } = await guarded()
  const backend = open({ hosts: hostOf(server), auth: { username: 'ada', password: PASSWORD }, prefix: 'others/' })
  const refused = new Lock('a', { backend }).tryAcquire()
  await expect(refused).rejects.toMatchObject(backendError(/lock "a" on etcd .*readwrite on the whole prefix/))
})

test('without a user it is refused, in words', async () => {
  const { server } = await guarded()
  const backend = open(`etcd://${hostOf(server)}`)
  await expect(new Lock('a', { backend }).tryAcquire()).rejects.toMatchObject(backendError(/user name/))
})

test('examined by a user with few rights, what may not be seen is unknown', async () => {
  const { server, root } = await guarded()
  const found = (await ada(server).examine?.({ timeout: 3_000 })) ?? []
  const of = (subject: string) => found.filter((one) => one.subject === subject).map(({ severity }) => severity)
  expect(of('access')).toEqual(['ok'])
  expect(of('leases')).toEqual(['ok'])
  await root.role('locks').revoke({ permission: 'Readwrite', range: root.range({ prefix: 'locks/' }) })
  await expect(ada(server).examine?.({ timeout: 3_000 })).rejects.toMatchObject({ code: 'LOCK_BACKEND' })
})
