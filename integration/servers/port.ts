import { createServer } from 'node:net'

/**
 * A loopback port that nobody uses. It lies below the range that the system gives to outgoing connections, so that it stays
 * free between a server's end and its next start.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = 12_000 + Math.floor(Math.random() * 20_000)
    if (await isFree(port)) return port
  }
  throw new Error('found no free port between 12000 and 32000')
}

/** Starts something on free ports, anew if somebody else takes one first: then `start` rejects with "address in use". */
export async function onFreePorts<T>(start: (port: number, another: number) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await start(await freePort(), await freePort())
    } catch (error) {
      if (tries === 5 || !/address (already )?in use/i.test(String(error))) throw error
    }
  }
}

function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const server = createServer()
  server.once('error', () => resolve(false))
  server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)))
  return promise
}
