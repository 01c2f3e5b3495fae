/** Containers that share a volume: processes that can't see each other, and clocks that can't be compared. */
import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { Agent, asUser, freshDirectory, now, pause, until, waitFor } from './harness.ts'

const PIDS = ['--pid', '--fork', '--kill-child=SIGKILL', '--mount-proc']
/** Its /proc still shows the processes outside. */
const PIDS_ONLY = ['--pid', '--fork', '--kill-child=SIGKILL']
const TIME = ['--time', '--monotonic', '100000', '--boottime', '100000', '--fork', '--kill-child=SIGKILL']
const unshare = (options: readonly string[]): string[] => ['unshare', ...asUser, ...options]

beforeAll(() => {
  for (const options of [PIDS, PIDS_ONLY, TIME]) {
    const [command = '', ...args] = [...unshare(options), 'true']
    const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' })
    if (status !== 0)
      throw new Error(`these tests need Linux with "${[command, ...args].join(' ')}" permitted: ${stderr}`)
  }
})

const TTL = 1_200

test.each([
  ['two pid namespaces', PIDS, PIDS],
  ['the host and a pid namespace', [], PIDS],
  ['a pid namespace and the host', PIDS, []],
  ["two pid namespaces with the host's /proc", PIDS_ONLY, PIDS_ONLY],
  ['the host and a later time namespace', [], TIME],
  ['a later time namespace and the host', TIME, []],
])('%s: a live holder is never taken for dead, a dead one is replaced by observation', async (_name, one, other) => {
  const { store } = freshDirectory()
  const start = (options: readonly string[]): Agent => new Agent(store, options.length === 0 ? [] : unshare(options))
  const [holder, waiter, late] = [start(one), start(other), start(other)]
  if (one === PIDS && other === PIDS) expect([await holder.pid(), await waiter.pid()]).toEqual([1, 1])
  const { token } = await holder.acquire('a', { ttl: TTL })
  const waiting = waiter.acquire('a', { timeout: 30_000 })
  await waitFor(waiter, 'a', 1)
  // Several times the ttl: the holder renews, whatever the others think of its clock and its process id.
  for (const started = now(); now() - started < 2.5 * TTL; await pause(25)) {
    expect(await late.tryAcquire('a')).toBeNull()
    expect(await holder.status('a')).toMatchObject({ held: true })
  }
  const killed = now()
  await holder.kill()
  const granted = await waiting
  expect(BigInt(granted.token)).toBeGreaterThan(BigInt(token))
  // Not before the last renewal's ttl, which was at most a third of it and a bit ago; not long after it was seen so long.
  const ended = now()
  expect(ended - killed).toBeGreaterThan(TTL / 2)
  expect(ended - killed).toBeLessThan(TTL + 2_000)
})

test('a holder that died in another pid namespace is replaced by a single attempt after its ttl', async () => {
  const { store } = freshDirectory()
  const holder = new Agent(store, unshare(PIDS))
  await holder.acquire('a', { ttl: TTL })
  await holder.kill()
  const killed = now()
  // Each attempt is a process of its own, as a cron job's would be: none watches for longer than a moment.
  const attempt = async (): Promise<boolean> => {
    const visitor = new Agent(store)
    const taken = await visitor.tryAcquire('a')
    await visitor.kill()
    return taken !== null
  }
  expect(await attempt()).toBe(false)
  await until('one of them takes over', attempt)
  expect(now() - killed).toBeLessThan(TTL + 2_000)
})

test('a holder from before a reboot is replaced at once, whatever its ttl', async () => {
  const { parent, store } = freshDirectory()
  const boot = join(parent, 'boot_id')
  writeFileSync(boot, `${randomUUID()}\n`)
  const script = 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"'
  const earlier = new Agent(store, [...unshare(['--mount']), 'sh', '-c', script, boot])
  const { token } = await earlier.acquire('a', { ttl: Number.POSITIVE_INFINITY })
  await earlier.kill()
  const later = new Agent(store)
  const taken = await later.tryAcquire('a')
  expect(BigInt(taken?.token ?? 0)).toBeGreaterThan(BigInt(token))
})

test('processes of one namespace do see when one of them is gone', async () => {
  const { store } = freshDirectory()
  // Both in one namespace: the second is a child of the first one's shell.
  const outer = new Agent(store, unshare(PIDS))
  expect(await outer.pid()).toBe(1)
  await outer.loseThread('a', 300)
  expect(await outer.locked('a')).toBe(true)
  await outer.acquire('a', { ttl: TTL })
  expect(await outer.release('a')).toBe(true)
})
