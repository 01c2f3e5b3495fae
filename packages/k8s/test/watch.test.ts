/** What a watch makes of odd things that a server says. The server here says them; what a real one does is tested there. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Runtime, systemRuntime } from '@locks/core'
import { expect, onTestFinished, test } from 'vitest'
import type { LeaseApi } from '../src/client.ts'
import { Watch } from '../src/watch.ts'

const lease = (version: number): object => ({ metadata: { name: 'a', resourceVersion: `${version}` } })
const line = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`

/** Time goes twenty times as fast for who waits. */
const hurried: Runtime = {
  ...systemRuntime,
  setTimer: (delay, callback, keepAlive) => systemRuntime.setTimer(delay / 20, callback, keepAlive),
}

type Said = readonly (string | undefined)[]

interface Watched {
  /** Connections that are open at the server. */
  open(): Promise<number>
  /** The versions that it told of; `gone` for none. */
  readonly told: string[]
  /** The questions, from the first on. */
  readonly asked: URL[]
  blind: number
  stop(): void
}

/** A watch on a server that answers each question in its way. */
async function watched(...answers: readonly ((response: ServerResponse) => void)[]): Promise<Watched> {
  const asked: URL[] = []
  const server = createServer((request, response) => {
    asked.push(new URL(request.url ?? '', 'http://localhost'))
    const answer = answers[Math.min(asked.length, answers.length) - 1]
    answer?.(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const open = (): Promise<number> =>
    new Promise((resolve, reject) => {
      server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)))
    })
  const { port } = server.address() as AddressInfo
  const config = {
    getCurrentCluster: () => null,
    getCurrentContext: () => '',
    getContextObject: () => null,
    applyToHTTPSOptions: async () => undefined,
  }
  const cluster = { api: {} as LeaseApi, config, namespace: 'n', server: `http://127.0.0.1:${port}` }
  const seen: Watched = { told: [], asked, blind: 0, stop: () => watch.stop(), open }
  const events = {
    changed: (_: unknown, version: string | undefined) => void seen.told.push(version ?? 'gone'),
    blind: () => {
      seen.blind += 1
    },
  }
  const watch = new Watch(async () => cluster, 'a', events, hurried)
  onTestFinished(() => {
    watch.stop()
    server.closeAllConnections()
    server.close()
  })
  return seen
}

const says =
  (...lines: Said) =>
  (response: ServerResponse): void => {
    response.writeHead(200)
    for (const one of lines) response.write(one ?? '')
  }

test('asks for one Lease, from the present state on, with bookmarks', async () => {
  const { asked, told } = await watched(says(line('ADDED', lease(1))))
  await expect.poll(() => told).toEqual(['1'])
  expect(asked[0]?.pathname).toBe('/apis/coordination.k8s.io/v1/namespaces/n/leases')
  const { timeoutSeconds, ...rest } = Object.fromEntries(asked[0]?.searchParams ?? [])
  expect(rest).toEqual({ watch: 'true', fieldSelector: 'metadata.name=a', allowWatchBookmarks: 'true' })
  expect(Number(timeoutSeconds)).toBeGreaterThan(400)
})

test('begins anew from the present state where the server says that it is too old (410)', async () => {
  const gone = { kind: 'Status', code: 410, reason: 'Expired' }
  const { asked, told } = await watched(
    says(line('ADDED', lease(1)), line('ERROR', gone)),
    says(line('ADDED', lease(5))),
  )
  await expect.poll(() => told).toEqual(['1', '5'])
  expect(asked[1]?.searchParams.has('resourceVersion')).toBe(false)
})

test('begins anew where the server ends it, in the middle of a line or not', async () => {
  const { told } = await watched(
    (response) => response.end(`${line('ADDED', lease(1))}{"type":"MOD`),
    (response) => response.end(line('MODIFIED', lease(2))),
    says(line('MODIFIED', lease(3))),
  )
  await expect.poll(() => told).toEqual(['1', '2', '3'])
})

test('takes lines that come in pieces, several at once, and bookmarks for what they are', async () => {
  const text = line('MODIFIED', lease(2))
  const { told, asked } = await watched(
    says(
      text.slice(0, 20),
      text.slice(20),
      line('BOOKMARK', lease(7)) + line('MODIFIED', lease(8)) + line('DELETED', lease(9)),
    ),
  )
  await expect.poll(() => told).toEqual(['2', '8', '9'])
  expect(asked).toHaveLength(1)
})

test.each([
  ['is forbidden', (response: ServerResponse) => void response.writeHead(403).end()],
  ['is answered with a page', (response: ServerResponse) => void response.writeHead(200).end('<html>\n</html>\n')],
  ['is cut', (response: ServerResponse) => void response.destroy()],
])('has who waits look by itself, again and again, while it %s', async (_, answer) => {
  const seen = await watched(answer)
  await expect.poll(() => seen.blind, { timeout: 5_000 }).toBeGreaterThan(2)
  expect(seen.told).toEqual([])
  expect(seen.asked.length).toBeGreaterThan(3)
  seen.stop()
  await expect.poll(seen.open).toBe(0)
  const [asked, blind] = [seen.asked.length, seen.blind]
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect({ asked: seen.asked.length, blind: seen.blind }).toEqual({ asked, blind })
})

test('can be stopped before it is answered', async () => {
  const seen = await watched(() => undefined)
  await expect.poll(() => seen.asked.length).toBe(1)
  seen.stop()
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(seen).toMatchObject({ told: [], blind: 0 })
  expect(seen.asked).toHaveLength(1)
})
