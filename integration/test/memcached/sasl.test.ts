/** User and password, in front of a server that is asked for nothing until they are right. */
import { connect, createServer, type Socket } from 'node:net'
import { Lock } from '@locks/core'
import { memcachedBackend } from '@locks/memcached'
import { expect, onTestFinished, test } from 'vitest'
import { backendError } from '../outcomes.ts'
import { memcached } from './harness.ts'

const LIST = 0x20
const AUTHENTICATE = 0x21
const HEADER = 24

function answer(request: Buffer, status: number, text: string): Buffer {
  const frame = Buffer.alloc(HEADER + text.length)
  frame.set([0x81, request.readUInt8(1)])
  frame.writeUInt16BE(status, 6)
  frame.writeUInt32BE(text.length, 8)
  request.copy(frame, 12, 12, 16)
  frame.write(text, HEADER)
  return frame
}

/** Speaks SASL (PLAIN) as memcached's `-S` does, and hands on the rest to a server that knows no users. */
async function guardOf(port: number, user: string, password: string): Promise<{ port: number; asked: number[] }> {
  const asked: number[] = []
  const expected = Buffer.from(`PLAIN\0${user}\0${password}`).toString('latin1')
  const guard = createServer((client) => {
    const server: Socket = connect(port, '127.0.0.1')
    let pending = Buffer.alloc(0)
    let isIn = false
    server.pipe(client)
    client.on('error', () => server.destroy()).on('close', () => server.destroy())
    server.on('error', () => client.destroy())
    client.on('data', (data) => {
      pending = Buffer.concat([pending, data])
      for (;;) {
        if (pending.length < HEADER) return
        const length = HEADER + pending.readUInt32BE(8)
        if (pending.length < length) return
        const request = pending.subarray(0, length)
        pending = pending.subarray(length)
        const opcode = request.readUInt8(1)
        asked.push(opcode)
        if (opcode === LIST) client.write(answer(request, 0, 'PLAIN'))
        else if (opcode === AUTHENTICATE) {
          isIn = request.subarray(HEADER).toString('latin1') === expected
          client.write(answer(request, isIn ? 0 : 0x20, isIn ? 'Authenticated' : 'Auth failure.'))
        } else if (isIn) server.write(request)
        else client.write(answer(request, 0x20, 'Auth failure.'))
      }
    })
  })
  await new Promise<void>((resolve) => guard.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void guard.close())
  const address = guard.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { port: address.port, asked }
}

test('user and password are those of the options, a URL, or a given client', async () => {
  const server = await memcached()
  const { Client } = await import('memjs')
  const guard = await guardOf(server.port, 'me', 'pass/word')
  const place = `127.0.0.1:${guard.port}`
  const client = Client.create(`me:pass/word@${place}`)
  for (const backend of [
    memcachedBackend({ servers: place, username: 'me', password: 'pass/word' }),
    memcachedBackend(`memcached://me:pass%2Fword@${place}`),
    memcachedBackend(client as never),
  ]) {
    guard.asked.length = 0
    await new Lock('a', { backend }).using((lease) => expect(lease.held).toBe(true))
    await backend.close()
    expect(guard.asked.slice(0, 2)).toEqual([LIST, AUTHENTICATE])
  }
})

test.each([
  ['wrong ones', 'memcached://me:wrong@'],
  ['none', 'memcached://'],
])('%s: an error that says so, without the password', async (_, start) => {
  const server = await memcached()
  const guard = await guardOf(server.port, 'me', 'secret')
  const backend = memcachedBackend(`${start}127.0.0.1:${guard.port}`)
  onTestFinished(() => backend.close())
  const attempt = new Lock('a', { backend, requestTimeout: 1_000 }).tryAcquire()
  await expect(attempt).rejects.toMatchObject(backendError(/it wants a user name and password, or others/))
  await expect(attempt).rejects.not.toMatchObject(backendError(/wrong|secret/))
})
