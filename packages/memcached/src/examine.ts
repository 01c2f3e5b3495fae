import { elapsed, type Finding, type Runtime } from '@locks/core'
import { type Connection, GET } from './connection.ts'
import { findingsFrom, type ServerFacts } from './findings.ts'
import type { Servers } from './servers.ts'

const ROUNDS = 5
/** No lock has this key: those are hashes. */
const NOTHING = 'locks:nothing'

/** Asks all servers what locks rest on. Rejects if one doesn't answer: the locks on it can't be had. Stores nothing. */
export async function examine(servers: Servers, timeout: number, runtime: Runtime): Promise<readonly Finding[]> {
  const facts: ServerFacts[] = []
  for (const connection of servers.all) facts.push(await factsOf(connection, timeout, runtime))
  return findingsFrom(facts, timeout)
}

async function factsOf(connection: Connection, timeout: number, runtime: Runtime): Promise<ServerFacts> {
  const figures = await connection.stats('', timeout)
  const settings = await connection.stats('settings', timeout)
  const trips: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = runtime.now()
    await connection.ask(GET, NOTHING, {}, timeout)
    trips.push(elapsed(runtime, before))
  }
  return { name: connection.name, figures, settings, latency: trips.sort((a, b) => a - b)[ROUNDS >> 1] ?? 0 }
}
