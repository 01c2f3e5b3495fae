/** What is left behind: nothing. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Lock } from '@locks/core'
import { etcdBackend } from '@locks/etcd'
import { expect, test } from 'vitest'
import { poll } from '../../servers/poll.ts'
import { clientOf, etcd, hostOf, keysOn, leasesOn, Party } from './harness.ts'

const watchers = 'etcd_debugging_mvcc_watcher_total'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** MiB in use after a collection. */
function used(): number {
  collectGarbage()
  collectGarbage()
  return process.memoryUsage().heapUsed / 1024 ** 2
}

async function cycles(backend: ReturnType<typeof etcdBackend>, count: number): Promise<void> {
  const work = async (worker: number): Promise<void> => {
    for (let at = 0; at < count / 10; at += 1)
      await new Lock(`${worker}/${at % 100}`, { backend, autoRenew: at % 10 !== 0 }).using(() => undefined)
  }
  await Promise.all(Array.from({ length: 10 }, (_, worker) => work(worker)))
}

test('10,000 cycles leave no keys, no leases, no watchers and no growing memory', { timeout: 180_000 }, async () => {
  const server = await etcd()
  const client = clientOf(server)
  const backend = etcdBackend({ hosts: hostOf(server), minTtl: 1_000 })
  await cycles(backend, 2_000)
  const before = used()
  await cycles(backend, 8_000)
  const grown = used() - before
  console.log(`memory grew by ${grown.toFixed(1)} MiB over 8,000 cycles`)
  expect(grown).toBeLessThan(8)
  expect(await keysOn(client)).toEqual([])
  await poll('leases of their own are gone; the session is there', async () => (await leasesOn(client)).length === 1)
  expect(await server.metric(watchers)).toBe(0)
  await backend.close()
  expect(await leasesOn(client)).toEqual([])
})

test('a lease of its own goes with its lock, also where the backend is closed at once', async () => {
  const server = await etcd()
  const [client, backend] = [clientOf(server), etcdBackend({ hosts: hostOf(server), minTtl: 1_000 })]
  const leases = await Promise.all(
    Array.from({ length: 20 }, (_, at) => new Lock(`${at}`, { backend, ttl: 60_000, autoRenew: false }).acquire()),
  )
  await Promise.all(leases.map((lease) => lease.release()))
  await backend.close()
  expect(await leasesOn(client)).toEqual([])
})

test('1,000 aborted waits leave no keys, no leases, no watchers and no growing memory', {
  timeout: 180_000,
}, async () => {
  const server = await etcd()
  const [client, holder] = [clientOf(server), new Party([server])]
  const lease = await holder.lock('a').acquire()
  const backend = etcdBackend({ hosts: hostOf(server), minTtl: 1_000 })
  const aborted = async (count: number): Promise<void> => {
    for (let at = 0; at < count; at += 50) {
      const controllers = Array.from({ length: 50 }, () => new AbortController())
      const waits = controllers.map(({ signal }, one) =>
        new Lock('a', { backend, metadata: `${one}`, fair: 'strict' })
          .acquire({ signal, timeout: 60_000 })
          .catch(() => null),
      )
      // Some before they are answered, some while they wait.
      for (const [one, controller] of controllers.entries()) setTimeout(() => controller.abort(), one)
      expect(await Promise.all(waits)).toEqual(waits.map(() => null))
    }
  }
  await aborted(200)
  const before = used()
  await aborted(1_000)
  const grown = used() - before
  console.log(`memory grew by ${grown.toFixed(1)} MiB over 1,000 aborted waits`)
  expect(grown).toBeLessThan(8)
  await poll('only what is held has a key', async () => (await keysOn(client)).length === 1)
  await poll('nobody watches', async () => (await server.metric(watchers)) === 0)
  await backend.close()
  await poll('its sessions are gone', async () => (await leasesOn(client)).length === 1)
  expect(await lease.release()).toBe(true)
  expect(await keysOn(client)).toEqual([])
})

test('the process of a backend that was used and not closed ends by itself, and one that holds does, too', {
  timeout: 30_000,
}, async () => {
  const { execFile } = await import('node:child_process')
  const { promisify } = await import('node:util')
  const server = await etcd()
  const script = `
    import { Lock } from '@locks/core'
    import { etcdBackend } from '@locks/etcd'
    const backend = etcdBackend('${hostOf(server)}')
    await new Lock('used', { backend }).using(() => undefined)
    await new Lock('held', { backend }).acquire()
    console.log('done')`
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    cwd: import.meta.dirname,
    timeout: 10_000,
  })
  expect((await run).stdout).toBe('done\n')
})
