import type { LeaseMode } from './backend.ts'
import { checkName, checkNamespace } from './key.ts'

/** A detached lease on its way to another process. It contains the secret: treat it as a password. */
export interface LeaseJSON {
  readonly version: 1
  readonly namespace: string
  readonly name: string
  readonly mode: LeaseMode
  readonly permits: number
  readonly owner: string
  readonly token: string
  /** A decimal number. */
  readonly fencingToken: string
  /** Milliseconds; null: without end. */
  readonly ttl: number | null
}

const ID = /^[A-Za-z0-9_-]{1,64}$/
const FENCE = /^\d{1,38}$/
const MODES: readonly unknown[] = ['exclusive', 'shared', 'semaphore'] satisfies LeaseMode[]

/** Checks what came over the wire. Throws TypeError that names the part that is wrong. */
export function parseLease(json: LeaseJSON | string): LeaseJSON {
  const value: unknown = typeof json === 'string' ? parse(json) : json
  if (typeof value !== 'object' || value === null) throw new TypeError('lease is not what detach() returned: an object')
  const lease = value as Partial<Record<keyof LeaseJSON, unknown>>
  const wrong = (part: string): never => {
    throw new TypeError(
      `lease is not what detach() returned: its ${part} is ${JSON.stringify(lease[part as keyof LeaseJSON])}`,
    )
  }
  if (lease.version !== 1) wrong('version')
  if (!MODES.includes(lease.mode)) wrong('mode')
  if (typeof lease.permits !== 'number' || !Number.isInteger(lease.permits) || lease.permits < 1) wrong('permits')
  if (typeof lease.owner !== 'string' || !ID.test(lease.owner)) wrong('owner')
  if (typeof lease.token !== 'string' || !ID.test(lease.token))
    throw new TypeError('lease is not what detach() returned: its token is missing or malformed')
  if (typeof lease.fencingToken !== 'string' || !FENCE.test(lease.fencingToken)) wrong('fencingToken')
  if (lease.ttl !== null && !(typeof lease.ttl === 'number' && lease.ttl > 0 && Number.isFinite(lease.ttl)))
    wrong('ttl')
  checkNamespace(lease.namespace, 'lease.namespace')
  checkName(lease.name, 'lease.name')
  return value as LeaseJSON
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new TypeError('lease is not what detach() returned: it is no JSON', { cause })
  }
}
