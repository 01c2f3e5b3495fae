import { Redis } from 'ioredis'

/**
 * The requests that clients send to the server while `body` runs, each by the server's clock in milliseconds. The server's
 * own counters also count what scripts call; its MONITOR tells the two apart. It slows everything down: never while timing.
 */
export async function requestsDuring(url: string, body: () => Promise<unknown>): Promise<readonly number[]> {
  const at: number[] = []
  const client = new Redis(url)
  await client.ping()
  const monitor = await client.monitor()
  const mark = `mark ${Math.random()}`
  const seen = new Promise<void>((resolve) => {
    monitor.on('monitor', (time: string, args: readonly string[], source: string) => {
      if (args[1] === mark) resolve()
      else if (source !== 'lua') at.push(Number(time) * 1_000)
    })
  })
  try {
    await body()
    await client.ping(mark)
    await seen
  } finally {
    monitor.disconnect()
    client.disconnect()
  }
  return at
}
