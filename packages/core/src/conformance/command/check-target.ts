import { isDeepStrictEqual } from 'node:util'
import type { LockBackend } from '../../index.ts'
import { messageOf } from '../failure.ts'
import type { ConformanceTarget } from '../target.ts'
import { within } from '../time.ts'
import { capabilityMistakes, shown } from './check-capabilities.ts'
import { Refusal } from './refusal.ts'
import { listed } from './text.ts'

const FAULTS = ['pause', 'loseReplies', 'delayRequests', 'isolate', 'resume', 'disconnect', 'restart'] as const
const ENDED_BY_RESUME: readonly string[] = FAULTS.slice(0, 4)
const METHODS = ['acquire', 'cancel', 'renew', 'release', 'inspect', 'forceRelease', 'list', 'close'] as const

const MOST_MISTAKES = 5
const CONNECTING = 30_000

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** What an author who is told by no compiler may get wrong. */
export function checkTarget(target: unknown): ConformanceTarget {
  if (!isObject(target))
    throw new Refusal(`"target" is ${shown(target)}, not an object with name, capabilities and connect`)
  const mistakes = [...targetMistakes(target), ...faultMistakes(target.faults)]
  const more = mistakes.length - MOST_MISTAKES
  const lines = mistakes.slice(0, MOST_MISTAKES).map((mistake) => `target.${mistake}`)
  if (more > 0) lines.push(`and ${more} more`)
  if (lines.length > 0) throw new Refusal(lines.join('\n'))
  return target as unknown as ConformanceTarget
}

function targetMistakes(target: Readonly<Record<string, unknown>>): readonly string[] {
  const { name, capabilities, connect, ttl, latency, close, module } = target
  const mistakes: string[] = []
  const want = (met: boolean, what: string, value: unknown, wanted: string): void => {
    if (!met) mistakes.push(`${what} is ${shown(value)}, not ${wanted}`)
  }
  const positive = (value: unknown): boolean => typeof value === 'number' && value > 0 && Number.isFinite(value)
  // It goes to terminals as it is.
  want(typeof name === 'string' && /^\P{C}+$/u.test(name), 'name', name, 'a text without control characters')
  want(typeof connect === 'function', 'connect', connect, 'a function that makes a new client: () => myBackend(…)')
  if (isObject(capabilities)) mistakes.push(...capabilityMistakes(capabilities))
  else want(false, 'capabilities', capabilities, "the backend's own: connect().capabilities")
  want(ttl === undefined || positive(ttl), 'ttl', ttl, 'a number of milliseconds')
  want(latency === undefined || positive(latency) || latency === 0, 'latency', latency, 'a number of milliseconds')
  want(close === undefined || typeof close === 'function', 'close', close, 'a function')
  const isPlace = module === undefined || typeof module === 'string' || module instanceof URL
  want(isPlace, 'module', module, 'import.meta.url')
  return mistakes
}

function faultMistakes(faults: unknown): readonly string[] {
  if (faults === undefined) return []
  if (!isObject(faults)) return [`faults is ${shown(faults)}, not an object of functions`]
  const mistakes = FAULTS.filter((name) => faults[name] !== undefined && typeof faults[name] !== 'function').map(
    (name) => `faults.${name} is ${shown(faults[name])}, not a function`,
  )
  const begun = ENDED_BY_RESUME.filter((name) => faults[name] !== undefined)
  if (begun.length > 0 && faults.resume === undefined)
    mistakes.push(`faults.resume is missing: it ends what ${listed(begun)} ${begun.length > 1 ? 'begin' : 'begins'}`)
  return mistakes
}

/** Makes one client and closes it: what fails here would fail in every case. */
export async function tryClient(target: ConformanceTarget): Promise<void> {
  const connecting = Promise.resolve().then(() => target.connect())
  const client = await within(CONNECTING, 'target.connect() resolves', connecting).catch((error: unknown) => {
    throw new Refusal(`target.connect() failed: ${messageOf(error)}`)
  })
  if (!isObject(client))
    throw new Refusal(`target.connect() gives ${client === undefined ? 'nothing' : shown(client)}, not a LockBackend`)
  const missing = METHODS.filter((name) => typeof client[name] !== 'function')
  if (missing.length > 0) throw new Refusal(`target.connect() gives no LockBackend: it has no ${listed(missing)}`)
  const backend: LockBackend = client
  if (!isDeepStrictEqual(backend.capabilities, target.capabilities))
    throw new Refusal('target.capabilities are not those of its clients. Take them from there: connect().capabilities')
  await within(CONNECTING, 'close() resolves', backend.close()).catch((error: unknown) => {
    throw new Refusal(`a client of target.connect() could not be closed: ${messageOf(error)}`)
  })
}
