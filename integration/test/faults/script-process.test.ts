import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { isAlive, type ScriptOptions, ScriptProcess } from '../../faults/script-process.ts'
import { poll } from '../../servers/poll.ts'
import { listens, outcome } from './harness.ts'

function start(script: 'worker' | 'starter', options: ScriptOptions = {}): ScriptProcess {
  const started = new ScriptProcess(new URL(`children/${script}.ts`, import.meta.url), options)
  onTestFinished(() => started.kill())
  return started
}

test('a process does as it is told, and tells by itself', async () => {
  const worker = start('worker', { args: ['a', 'b'], env: { WORKER_SAYS: 'hello' } })
  expect(await worker.call('add', 2)).toBe(2)
  const late = worker.call('later', 50)
  expect(await worker.call('add', 3)).toBe(5)
  expect(await late).toBe('late')
  expect(worker.told).toEqual([{ args: ['a', 'b'], env: 'hello' }])
  await expect(worker.call('fail')).rejects.toMatchObject({ message: 'not today', code: 'SOME_CODE' })
  await expect(worker.call('none')).rejects.toThrow('no method none')
})

test('a paused process answers when it goes on', async () => {
  const worker = start('worker')
  await worker.call('add', 1)
  worker.pause()
  const answered = worker.call('add', 1)
  expect(await outcome(answered)).toBe('nothing')
  worker.resume()
  expect(await answered).toBe(2)
})

test('calls to a process that ends are rejected', async () => {
  const worker = start('worker')
  await worker.call('add', 1)
  worker.pause()
  const unanswered = outcome(worker.call('add', 1), 5_000)
  await worker.kill()
  expect(await unanswered).toBe('Error: the process has ended')
  expect(isAlive(worker.pid)).toBe(false)
  await expect(worker.call('add', 1)).rejects.toThrow('the process has ended')
})

test('a process ends with its block', async () => {
  let pid = 0
  {
    await using worker = start('worker')
    pid = worker.pid
    expect(isAlive(pid)).toBe(true)
  }
  expect(isAlive(pid)).toBe(false)
})

for (const end of ['is killed', 'ends without stopping them'] as const) {
  test(`servers end when the process that started them ${end}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'locks-starter-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const starter = start('starter', { env: { TMPDIR: folder } })
    const kinds = ['redis', 'memcached', 'etcd']
    const ports = (await Promise.all(kinds.map((kind) => starter.call('start', kind)))) as number[]
    const pids = (await starter.call('startCluster')) as number[]
    const servers = ports.map((port) => ({ host: '127.0.0.1', port }))
    expect(await Promise.all(servers.map(listens))).toEqual([true, true, true])
    expect(pids.map(isAlive)).toEqual([true, true, true])
    if (end === 'is killed') await starter.kill()
    else starter.call('end').catch(() => undefined)
    await starter.ended
    await poll('they are gone', async () => {
      const listening = await Promise.all(servers.map(listens))
      return !listening.includes(true) && !pids.some(isAlive)
    })
    if (end !== 'is killed') expect(readdirSync(folder)).toEqual([])
  })
}
