import { elapsed, type Finding, type Runtime } from '@locks/core'
import type { Connection, Send } from './client/connection.ts'
import { type Facts, findingsFrom, type Reading } from './findings.ts'
import { evaluate, type Script, script } from './script.ts'

export interface Examining {
  readonly prefix: string
  /** Milliseconds that a request may take. */
  readonly timeout: number
  readonly runtime: Runtime
  /** Whether waiters are told by messages. */
  readonly messages: boolean
}

/** One server, and what it is called where there are several. */
export interface Examined {
  readonly node: string
  readonly facts: Facts
}

/** The seconds and microseconds of the server's clock, read as the scripts of locks do. */
const timeScript: Script = script(`#!lua flags=no-writes
return redis.call('TIME')
`)
/** How often the clock is read: enough for a median. */
const ROUNDS = 9
const SETTINGS = ['appendfsync', 'timeout', 'save']

/** What the server says no to: the command, or this user's asking for it. Anything else means that it could not be asked. */
const isRefusal = (error: unknown): error is Error => error instanceof Error && /^(?:ERR|NOPERM)\b/.test(error.message)

/** One line each on what locks rest on, at every master that a connection leads to. Rejects if one can't be asked. */
export async function examine(connection: Connection, examining: Examining): Promise<readonly Finding[]> {
  const servers = await look(connection, examining)
  return servers.flatMap(({ node, facts }) => {
    const findings = findingsFrom(facts)
    return servers.length === 1 ? findings : findings.map((found) => at(node, found))
  })
}

/** A finding about one of several servers. */
export const at = (node: string, { severity, subject, message }: Finding): Finding => ({
  severity,
  subject,
  message: `${node}: ${message}`,
})

/** Asks every master that a connection leads to. */
export async function look(connection: Connection, examining: Examining): Promise<readonly Examined[]> {
  const sends = await mastersOf(connection, examining)
  const subscribing = examining.messages ? await subscribed(connection, examining) : undefined
  return Promise.all(
    sends.map((send) => {
      const limited: Send = (command, args) => within(send(command, args), examining)
      return lookAt(limited, sends.length, subscribing, examining)
    }),
  )
}

async function within<T>(answer: Promise<T>, { timeout, runtime }: Examining): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = runtime.setTimer(timeout, () => reject(new Error(`no answer within ${timeout} ms`)), true)
  try {
    return await Promise.race([answer, late])
  } finally {
    timer.cancel()
  }
}

async function mastersOf(connection: Connection, examining: Examining): Promise<readonly Send[]> {
  try {
    return await within(connection.masters(), examining)
  } catch (error) {
    if (!isRefusal(error)) throw error
    return [(command, args) => connection.send('', command, args)]
  }
}

async function lookAt(
  send: Send,
  masters: number,
  subscribing: string | undefined,
  { prefix, timeout, runtime, messages }: Examining,
): Promise<Examined> {
  const info = await reading(send, 'info', [])
  const inCluster = masters > 1 || info?.get('cluster_enabled') === '1'
  const refusals = [
    await refusal(send, 'ping', []),
    await refusal(send, 'eval', ['return 1', '0']),
    messages ? await refusal(send, 'publish', [channelOf(prefix), '']) : undefined,
    subscribing,
  ]
  const { latency, ahead, refused } = await readClock(send, runtime)
  const facts: Facts = {
    info,
    config: await reading(send, 'config', ['get', ...SETTINGS]),
    cluster: inCluster ? await reading(send, 'cluster', ['info']) : undefined,
    refused: [...refusals, refused].filter((refused) => refused !== undefined),
    permissions: permissionsFor(prefix, messages, inCluster),
    latency,
    ahead,
    timeout,
    masters,
  }
  const node = inCluster ? await addressOf(send) : undefined
  return { node: node ?? `port ${info?.get('tcp_port') ?? 'unknown'}`, facts }
}

/** What a user needs, in the words of ACL SETUSER. */
function permissionsFor(prefix: string, messages: boolean, inCluster: boolean): string {
  const cluster = inCluster ? ' +cluster|slots +cluster|info' : ''
  const [pubsub, channels] = messages ? [' +@pubsub', ` &${prefix}*`] : ['', '']
  return `+@scripting +@read +@write${pubsub} +time +ping${cluster} ~${prefix}*${channels}`
}

/** Nobody listens there. */
const channelOf = (prefix: string): string => `${prefix}client:examined`

/** What the server answers, in lines of `name:value` or as a list or map; undefined if it refuses. */
async function reading(send: Send, command: string, args: readonly string[]): Promise<Reading | undefined> {
  const reply = await unlessRefused(send(command, args))
  if (reply instanceof Error) return undefined
  if (Array.isArray(reply))
    return new Map(reply.flatMap((name, i) => (i % 2 === 0 ? [[String(name), String(reply[i + 1])] as const] : [])))
  if (reply instanceof Map) return new Map([...reply].map(([name, value]) => [String(name), String(value)]))
  if (typeof reply === 'object' && reply !== null) return new Map(Object.entries(reply))
  const lines = String(reply).split(/\r?\n/)
  return new Map(lines.flatMap((line) => (/^\w+:/.test(line) ? [[...halves(line)] as [string, string]] : [])))
}

const halves = (line: string): readonly [string, string] => {
  const colon = line.indexOf(':')
  return [line.slice(0, colon), line.slice(colon + 1)]
}

async function unlessRefused(reply: Promise<unknown>): Promise<unknown> {
  try {
    return await reply
  } catch (error) {
    if (isRefusal(error)) return error
    throw error
  }
}

async function refusal(send: Send, command: string, args: readonly string[]): Promise<string | undefined> {
  const reply = await unlessRefused(send(command, args))
  return reply instanceof Error ? refusedWords(command, reply) : undefined
}

const refusedWords = (command: string, { message }: Error): string => `${command.toUpperCase()} (${message})`

/** Over a connection of its own, which would wait out every outage. */
async function subscribed(connection: Connection, examining: Examining): Promise<string | undefined> {
  const ignore = (): void => undefined
  const subscription = connection.subscribe(channelOf(examining.prefix), ignore, ignore)
  try {
    await within(subscription.ready, examining)
    return undefined
  } catch (error) {
    return refusedWords('subscribe', error instanceof Error ? error : new Error(String(error)))
  } finally {
    subscription.close()
  }
}

interface ClockReading {
  readonly latency: number
  readonly ahead: number | undefined
  readonly refused: string | undefined
}

/** The quickest reading tells most. */
async function readClock(send: Send, runtime: Runtime): Promise<ClockReading> {
  const trips: number[] = []
  let quickest = Number.POSITIVE_INFINITY
  let ahead: number | undefined
  let refused: string | undefined
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = runtime.now()
    const reply = await unlessRefused(evaluate(send, timeScript, [], []))
    const trip = elapsed(runtime, before)
    trips.push(trip)
    if (reply instanceof Error) refused = refusedWords('scripts', reply)
    else if (trip < quickest) {
      const [seconds, microseconds] = (reply as unknown[]).map(Number)
      quickest = trip
      ahead = (seconds as number) * 1_000 + (microseconds as number) / 1_000 - (before.wall + trip / 2)
    }
  }
  const [latency = 0] = trips.sort((a, b) => a - b).slice(ROUNDS >> 1)
  return { latency, ahead, refused }
}

/** `10.0.0.1:6379`, as the Cluster knows the node. */
async function addressOf(send: Send): Promise<string | undefined> {
  const nodes = await unlessRefused(send('cluster', ['nodes']))
  const own = String(nodes)
    .split('\n')
    .find((line) => /^\S+ \S+ \S*myself/.test(line))
  return own?.split(' ')[1]?.replace(/[@,].*$/, '')
}
