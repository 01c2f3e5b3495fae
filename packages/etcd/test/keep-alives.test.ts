import { setTimeout as sleep } from 'node:timers/promises'
import { systemRuntime } from '@locks/core'
import { expect, test } from 'vitest'
import type { EtcdClient, KeepAliveAnswer } from '../src/client.ts'
import { KeepAlives } from '../src/keep-alives.ts'
import type { Members } from '../src/members.ts'

/** Keep-alives over streams that say nothing but what they are told to. */
function silent() {
  const streams: { answer(answer: KeepAliveAnswer): void; isCancelled: boolean }[] = []
  const leaseKeepAlive = async () => {
    let hear: (answer: KeepAliveAnswer) => void = () => undefined
    const stream = { answer: (answer: KeepAliveAnswer) => hear(answer), isCancelled: false }
    streams.push(stream)
    return {
      write: () => undefined,
      end: () => undefined,
      cancel: () => {
        stream.isCancelled = true
      },
      on: (event: string, listener: (answer: KeepAliveAnswer) => void) => {
        if (event === 'data') hear = listener
      },
    }
  }
  const client = { leaseClient: { leaseKeepAlive } } as unknown as EtcdClient
  const ask = async (_key: unknown, _action: string, timeout: number, call: (...args: unknown[]) => unknown) => ({
    answer: await call(client, {}, timeout),
    repeated: false,
  })
  const members = { runtime: systemRuntime, ask } as unknown as Members
  return { keepAlives: new KeepAlives(members, Buffer.from('!')), streams }
}

test('a lease that has no time to wait does not end the waiting of others', async () => {
  const { keepAlives, streams } = silent()
  const patient = keepAlives.keep('1', 5_000)
  await expect(keepAlives.keep('2', 20)).rejects.toThrow(/no answer within 20 ms/)
  await sleep(20)
  streams[0]?.answer({ ID: '1', TTL: '30' })
  expect(await patient).toBe(30)
  expect(streams[0]?.isCancelled).toBe(false)
})

test('what is asked for after a silence goes over another stream', async () => {
  const { keepAlives, streams } = silent()
  const patient = keepAlives.keep('1', 5_000)
  await expect(keepAlives.keep('2', 20)).rejects.toThrow(/no answer/)
  const again = keepAlives.keep('2', 5_000)
  await sleep(10)
  expect(streams).toHaveLength(2)
  streams[1]?.answer({ ID: '2', TTL: '2' })
  expect(await again).toBe(2)
  streams[0]?.answer({ ID: '1', TTL: '30' })
  expect(await patient).toBe(30)
})

test('the last one whose patience ends makes the connection anew', async () => {
  const { keepAlives, streams } = silent()
  const all = [keepAlives.keep('1', 10), keepAlives.keep('2', 40)]
  expect((await Promise.allSettled(all)).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(streams).toMatchObject([{ isCancelled: true }])
})
