import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { type FaultyProxy, startProxy } from '../../faults/proxy.ts'
import { type RedisOptions, type RedisServer, startRedis } from '../../servers/redis-binary.ts'
import { type Address, RespConnection } from '../../servers/resp.ts'

/** A server that goes with the test. */
export async function redis(options: RedisOptions = {}): Promise<RedisServer> {
  const server = await startRedis(options)
  onTestFinished(() => server.stop())
  return server
}

/** A connection that goes with the test. */
export function client(address: Address): RespConnection {
  const connection = new RespConnection(address)
  onTestFinished(() => connection.close())
  return connection
}

/** A server behind a proxy, and a client of it that has been answered once. */
export async function proxied(): Promise<{ server: RedisServer; proxy: FaultyProxy; through: RespConnection }> {
  const server = await redis()
  const proxy = await startProxy(server)
  onTestFinished(() => proxy.close())
  const through = client(proxy)
  await through.call('PING')
  return { server, proxy, through }
}

/** What a promise became within so many milliseconds: its value, `Error: …`, or `nothing`. */
export async function outcome(promise: Promise<unknown>, within = 100): Promise<unknown> {
  return await Promise.race([promise.catch((error: unknown) => String(error)), sleep(within, 'nothing')])
}

export function listens({ host, port }: Address): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ host, port }, () => resolve(true))
  socket.once('error', () => resolve(false))
  return promise.finally(() => socket.destroy())
}
