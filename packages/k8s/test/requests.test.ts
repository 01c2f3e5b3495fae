import { lockKey, type Runtime, systemRuntime } from '@locks/core'
import { describe, expect, test } from 'vitest'
import type { CallOptions, LeaseApi, RequestContext } from '../src/client.ts'
import { Requests } from '../src/requests.ts'

const key = lockKey('', 'a')

/** An API whose answers are what `answer` throws or returns; `kept`: what keeps the connection of each request. */
function served(answer: () => unknown) {
  const kept: unknown[] = []
  const pauses: number[] = []
  const readNamespacedLeaseWithHttpInfo = async (_: unknown, options?: CallOptions): Promise<never> => {
    let dispatcher: unknown = { made: kept.length }
    const context: RequestContext = {
      setSignal: () => undefined,
      getDispatcher: () => dispatcher,
      setDispatcher: (given) => {
        dispatcher = given
      },
    }
    for (const { pre } of options?.middleware ?? []) await pre(context).toPromise()
    kept.push(dispatcher)
    return answer() as never
  }
  const runtime: Runtime = {
    ...systemRuntime,
    setTimer: (delay, callback, keepAlive) => {
      pauses.push(delay)
      return systemRuntime.setTimer(delay, callback, keepAlive)
    },
  }
  const api = { readNamespacedLeaseWithHttpInfo } as unknown as LeaseApi
  const open = async () => ({ api, config: undefined, namespace: 'jobs', server: 'https://s' })
  return { requests: new Requests(open, runtime), kept, pauses }
}

const refused = (code: number, headers: object = {}): never => {
  throw Object.assign(new Error('refused'), { code, headers, body: '' })
}

describe('a server that is too busy', () => {
  test.each(['0', '-5', 'Thu, 01 Jan 1970 00:00:00 GMT'])(
    'is not asked all the time, though it says %j',
    async (after) => {
      const { requests, kept, pauses } = served(() => refused(429, { 'retry-after': after }))
      await expect(requests.read(key, 'x', 450)).rejects.toThrow(/429/)
      expect(kept.length).toBeLessThanOrEqual(5)
      expect(Math.min(100, ...pauses)).toBe(100)
    },
  )
})

test('an answer that did not come in time is no refusal', async () => {
  const { requests } = served(() => {
    throw new DOMException('The operation was aborted due to timeout', 'TimeoutError')
  })
  await expect(requests.read(key, 'x', 450)).rejects.toThrow(/no answer in time$/)
})

describe('connections', () => {
  const lease = { headers: {}, data: { metadata: { resourceVersion: '1' } } }

  test('are kept from request to request', async () => {
    const { requests, kept } = served(() => lease)
    for (let round = 0; round < 3; round += 1) await requests.read(key, 'x', 1_000)
    expect(new Set(kept).size).toBe(1)
  })

  test.each([
    ['a failure: what they trust may be another by now', () => Promise.reject(new TypeError('fetch failed'))],
    ['credentials that are refused', () => refused(401)],
  ])('are opened anew after %s', async (_, fails) => {
    const { requests, kept } = served(() => (kept.length === 1 ? fails() : lease))
    await expect(requests.read(key, 'x', 1_000)).rejects.toThrow()
    for (let round = 0; round < 2; round += 1) await requests.read(key, 'x', 1_000)
    expect(kept[1]).not.toBe(kept[0])
    expect(kept[2]).toBe(kept[1])
  })
})
