import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { isAlive } from '../../faults/script-process.ts'
import { startBinary } from '../../servers/binary.ts'
import { freePort } from '../../servers/port.ts'
import { startRedis } from '../../servers/redis-binary.ts'
import { client, listens, outcome, redis } from './harness.ts'

test('a stopped server is gone, and so is what it stored', async () => {
  const server = await startRedis({ appendonly: true })
  await server.command('SET', 'k', 'v')
  const [, folder] = (await server.command('CONFIG', 'GET', 'dir')) as readonly string[]
  if (folder === undefined) throw new Error('it has a folder')
  expect(existsSync(folder)).toBe(true)
  await server.stop()
  await server.stop()
  expect(isAlive(server.pid)).toBe(false)
  expect(await listens(server)).toBe(false)
  expect(existsSync(folder)).toBe(false)
})

test('a paused server carries out later what it was sent', async () => {
  const server = await redis()
  const connection = client(server)
  await connection.call('PING')
  server.pause()
  const answered = connection.call('INCR', 'n')
  expect(await outcome(answered)).toBe('nothing')
  server.resume()
  expect(await answered).toBe(1)
})

test('a paused server can be stopped', async () => {
  const server = await startRedis()
  server.pause()
  await server.stop()
  expect(isAlive(server.pid)).toBe(false)
})

test('a server that is restarted has kept what it answered for, or nothing, as asked', async () => {
  const server = await redis({ appendonly: true })
  const before = server.pid
  const connection = client(server)
  expect(await connection.call('SET', 'k', 'v')).toBe('OK')
  await server.restart({ data: 'kept' })
  await connection.closed
  expect(isAlive(before)).toBe(false)
  expect(server.pid).not.toBe(before)
  expect(await server.command('GET', 'k')).toBe('v')
  await server.kill()
  expect(await listens(server)).toBe(false)
  await server.restart({ data: 'lost' })
  expect(await server.command('GET', 'k')).toBe(null)
})

test('a server that keeps nothing says so when it is asked to', async () => {
  const server = await redis()
  await expect(server.restart({ data: 'kept' })).rejects.toThrow('not appendonly')
})

test('it counts what clients ask of it', async () => {
  const server = await redis()
  const connection = client(server)
  await connection.call('PING')
  const before = await server.requests()
  for (let asked = 0; asked < 10; asked += 1) await connection.call('GET', 'k')
  // The question before counts.
  expect((await server.requests()) - before).toBe(11)
})

test('a server that does not come up shows its log', async () => {
  await expect(startRedis({ args: ['--no-such-option', '1'] })).rejects.toThrow(/redis-server ended.*no-such-option/s)
})

test('a port that is taken is refused if it was asked for', async () => {
  const port = await freePort()
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', resolve))
  onTestFinished(() => void taken.close())
  await expect(startRedis({ port })).rejects.toThrow('Address already in use')
})

test('a program that is not installed is named in one line', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'locks-path-'))
  onTestFinished(() => {
    vi.unstubAllEnvs()
    rmSync(folder, { recursive: true })
  })
  vi.stubEnv('PATH', folder)
  await expect(startBinary('etcd')).rejects.toThrow('setpriv is not on the PATH: install it (Debian: util-linux)')
  writeFileSync(join(folder, 'setpriv'), '', { mode: 0o755 })
  await expect(startBinary('etcd')).rejects.toThrow('etcd is not on the PATH: install it (Debian: etcd-server)')
  await expect(startBinary('valkey')).rejects.toThrow(/^valkey-server is not on the PATH.*$/)
})
