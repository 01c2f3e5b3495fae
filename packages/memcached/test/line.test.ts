import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Memjs, MemjsClient, MemjsServer } from '../src/client.ts'
import { Line, type Proof } from '../src/line.ts'

/** What the server at the other end shows. */
const server = { began: 1_000_000, halted: 0, asked: 0, answers: true }
const socket = Object.assign(new EventEmitter(), {
  connecting: false,
  ref: vi.fn(),
  unref: vi.fn(),
  destroy: vi.fn(),
})

const uptime = (): number => Math.floor((performance.now() - server.halted) / 1_000) + 2

const client = {
  servers: [{ host: 'host', port: 1, _socket: socket } as MemjsServer],
  statsWithKey(_kind, callback) {
    server.asked += 1
    const stats = { uptime: `${uptime()}`, time: `${server.began + uptime()}` }
    if (server.answers) setTimeout(() => callback(null, 'host:1', stats), 1)
  },
  close: vi.fn(),
} as Partial<MemjsClient> as MemjsClient
const library: Memjs = {
  Client: function create() {
    return client
  } as never,
  Server: function create() {} as never,
}

/** What is sent has its answer after so many milliseconds. */
const exchange = (line: Line, ms: number, timeout: number): Promise<string> =>
  line.exchange((_client, done) => setTimeout(() => done(null, `after ${ms}`), ms), timeout)

const proven = async (line: Line, timeout: number): Promise<Proof | undefined> => {
  if (line.seen === undefined) await line.prove(timeout)
  return line.seen
}

let line: Line
beforeEach(() => {
  vi.useFakeTimers({ now: 0 })
  vi.clearAllMocks()
  socket.removeAllListeners()
  Object.assign(server, { halted: 0, asked: 0, answers: true })
  socket.connecting = false
  line = new Line(library, { host: 'host', port: 1 })
})
afterEach(() => {
  vi.useRealTimers()
})

test('the server’s beginning is told once its first second is over, and who can’t wait learns why', async () => {
  const [hasty, patient] = [500, 5_000].map((timeout) => proven(line, timeout))
  hasty?.catch(() => undefined)
  await vi.advanceTimersByTimeAsync(1_900)
  await expect(hasty).rejects.toThrow('it began less than two seconds ago')
  expect(socket.destroy).not.toHaveBeenCalled()
  expect(server.asked).toBeGreaterThan(10)
  await vi.advanceTimersByTimeAsync(300)
  expect(await patient).toMatchObject({ epoch: 1_000_000n })
})

test('no single answer is waited for longer than 2 s', async () => {
  await vi.advanceTimersByTimeAsync(10_000)
  server.answers = false
  const proving = proven(line, 60_000)
  proving.catch(() => undefined)
  await vi.advanceTimersByTimeAsync(2_011)
  await expect(proving).rejects.toThrow('no answer within 2000 ms')
})

test.each([
  [false, /^no answer within 500 ms: it hangs, or was it started without the binary protocol \(-B ascii, -Y\)\?$/],
  [true, /^no connection within 500 ms$/],
])('who never heard from it learns what may be wrong (connecting: %s)', async (connecting, message) => {
  Object.assign(server, { answers: false })
  socket.connecting = connecting
  const proving = proven(line, 500)
  proving.catch(() => undefined)
  await vi.advanceTimersByTimeAsync(511)
  await expect(proving).rejects.toThrow(message)
})

test('a proof counts for 2 s', async () => {
  await vi.advanceTimersByTimeAsync(10_000)
  const prove = async (): Promise<number> => {
    const proving = proven(line, 1_000)
    await vi.advanceTimersByTimeAsync(5)
    expect(await proving).toMatchObject({ epoch: 1_000_000n })
    return server.asked
  }
  expect(await prove()).toBe(1)
  await vi.advanceTimersByTimeAsync(1_900)
  expect(await prove()).toBe(1)
  await vi.advanceTimersByTimeAsync(200)
  expect(await prove()).toBe(2)
})

test('a server whose clock was halted, and does not know it yet, is sent nothing', async () => {
  await vi.advanceTimersByTimeAsync(10_000)
  const first = proven(line, 1_000)
  await vi.advanceTimersByTimeAsync(5)
  await first
  await vi.advanceTimersByTimeAsync(6_000)
  server.halted = 6_000
  const second = proven(line, 1_000)
  second.catch(() => undefined)
  await vi.advanceTimersByTimeAsync(5)
  await expect(second).rejects.toThrow('its clock stood still')
  expect(line.isOpen).toBe(false)
})

test('an answer that this process found too late, since it was busy, is none', async () => {
  const { promise: sent, resolve: isSent } = Promise.withResolvers<(error: null, answer: string) => void>()
  const waiting = line.exchange<string>((_client, done) => isSent(done), 1_000)
  waiting.catch(() => undefined)
  const done = await sent
  const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 1_001)
  done(null, 'late')
  clock.mockRestore()
  await expect(waiting).rejects.toThrow('no answer within 1000 ms')
  expect(line.isOpen).toBe(false)
})

test('who waits for an answer learns that the connection was closed', async () => {
  const waiting = exchange(line, 500, 1_000)
  waiting.catch(() => undefined)
  socket.emit('close')
  await vi.advanceTimersByTimeAsync(0)
  await expect(waiting).rejects.toThrow('the server closed the connection')
  expect(line.isOpen).toBe(false)
})

test('the others go on when one gives up, and then it is closed', async () => {
  const short = exchange(line, 900, 100)
  const long = exchange(line, 500, 1_000)
  short.catch(() => undefined)
  await vi.advanceTimersByTimeAsync(150)
  await expect(short).rejects.toThrow('no answer within 100 ms')
  expect(line.isOpen).toBe(false)
  expect(socket.destroy).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(400)
  expect(await long).toBe('after 500')
  expect(socket.destroy).toHaveBeenCalled()
})

test('an idle one keeps no process up, one that is used does', async () => {
  const using = exchange(line, 100, 1_000)
  expect(socket.unref).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(50)
  expect(vi.getTimerCount()).toBe(2)
  await vi.advanceTimersByTimeAsync(60)
  await using
  expect(vi.getTimerCount()).toBe(0)
})
