/** A client that the user gave stays the user's: open, and as it was. */
import type { EventEmitter } from 'node:events'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { isAlive, ScriptProcess } from '../../faults/script-process.ts'
import { poll } from '../../servers/poll.ts'
import { Party } from './harness.ts'
import { clients, type Ways } from './kit/clients.ts'
import { type Started, startPlace } from './kit/place.ts'

const places = new Map<string, Started>()

beforeAll(async () => {
  for (const topology of ['redis', 'cluster', 'sentinel'] as const) places.set(topology, await startPlace(topology))
})
afterAll(() => Promise.all([...places.values()].map((started) => started.stop())))

function waysOf(family: string): Ways {
  const topology = family.includes('Cluster') ? 'cluster' : family.includes('Sentinel') ? 'sentinel' : 'redis'
  return { masters: [], sentinels: [], ...places.get(topology)?.place, map: {} }
}

/** What can be seen of a client from outside: its properties and commands, its listeners. */
function traits(client: EventEmitter): object {
  const names = (of: object): string[] => Reflect.ownKeys(of).map(String).sort()
  const listeners = client.eventNames().map((event) => `${String(event)}: ${client.listenerCount(event)}`)
  return { own: names(client), inherited: names(Object.getPrototypeOf(client)), listeners: listeners.sort() }
}

describe.each(Object.entries(clients))('%s', (family, open) => {
  test('it stays open, and nothing is added to it', async () => {
    const [{ client, end }, other] = [await open(waysOf(family)), await open(waysOf(family))]
    onTestFinished(() => void end())
    onTestFinished(() => void other.end())
    // What a client makes of itself at its first command is no addition.
    for (const first of [client, other.client]) await new Party(first).lock('before').using(() => undefined)
    const events = client as object as EventEmitter
    const before = traits(events)

    const [one, rival] = [new Party(client), new Party(other.client)]
    const lock = one.lock('a')
    const lease = await rival.lock('a').acquire()
    const waiting = lock.acquire()
    await poll('it waits', async () => (await lock.inspect()).waiters === 1)
    expect(traits(events)).toEqual(before)
    await lease.release()
    await (await waiting).release()
    await one.backend.close()
    expect(traits(events)).toEqual(before)
    expect(await new Party(client).lock('a').using(({ held }) => held)).toBe(true)
  })

  // A client that createSentinel makes can't be told not to keep a process up: there only the backend's close() ends it.
  if (family === 'node-redis by Sentinel') return

  test('a process whose backend is idle ends by itself once its client is closed', async () => {
    const started = new ScriptProcess(new URL('children/idle.ts', import.meta.url), {
      args: [family, JSON.stringify(waysOf(family))],
    })
    onTestFinished(() => started.kill())
    await poll('it has used the backend', () => started.told.includes('used'))
    await poll('it ends', () => !isAlive(started.pid), 5_000)
  })
})
