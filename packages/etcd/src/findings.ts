import type { Finding } from '@locks/core'
import type { StatusAnswer } from './client.ts'

export interface MemberFacts {
  readonly name: string
  readonly status: StatusAnswer | Error
}

/** What was seen of a cluster. */
export interface Facts {
  readonly members: readonly MemberFacts[]
  /** The answer to the question for alarms, or why there is none. */
  readonly alarms: unknown
  /** The answer to the question for members, or why there is none. */
  readonly list: unknown
  /** The shortest lease in milliseconds, or why none is granted. */
  readonly minimum: number | Error
  /** What this backend was told of that. */
  readonly minTtl: number
  /** Median of some linearizable reads, in milliseconds. */
  readonly latency: number
  /** Milliseconds that a request may take. */
  readonly timeout: number
  readonly prefix: string
}

/** etcd's own limit of its store, unless it is told another one, which it doesn't tell. */
const QUOTA = 2 * 1024 ** 3
const NEAR = 0.9
/** A round trip may take this part of a request's time: beyond, little is left for repeating it. */
const QUICK = 1 / 20

type Judge = (subject: string, message: string) => Finding

const finding =
  (severity: Finding['severity']): Judge =>
  (subject, message) => ({ severity, subject, message })
const ok: Judge = finding('ok')
const risk: Judge = finding('risk')
const unknown: Judge = finding('unknown')

/** One line each on what was looked at. */
export function findingsFrom(facts: Facts): readonly Finding[] {
  const each = facts.members.flatMap(({ name, status }) => {
    if (status instanceof Error) return [unseen(name, status)]
    const found = [version(status), leader(status), space(status)]
    return facts.members.length === 1 ? found : found.map((one) => ({ ...one, message: `${name}: ${one.message}` }))
  })
  return [...each, size(facts), alarms(facts), access(facts), leases(facts), latency(facts), clock]
}

const unseen = (name: string, { message }: Error): Finding =>
  /permission denied/i.test(message)
    ? unknown('member', `${name} does not tell its state to this user`)
    : risk('member', `${name} does not answer (${message}): the others must not lose one more than a majority allows`)

const number = (version: string): readonly number[] => version.split('.').map((part) => Number.parseInt(part, 10))

/** From when on a leader whose disk hangs no longer ends leases that another one renews (etcd issue 15247). */
const FIXED: ReadonlyMap<number, number> = new Map([
  [4, 31],
  [5, 13],
])

function version({ version }: StatusAnswer): Finding {
  const [major = 0, minor = 0, patch = 0] = number(version)
  if (major < 3 || (major === 3 && minor < 4))
    return risk('version', `etcd ${version} is too old: locks are tested on 3.4 and newer; upgrade`)
  const fixed = major === 3 ? FIXED.get(minor) : undefined
  if (fixed !== undefined && patch < fixed)
    return risk(
      'version',
      `etcd ${version}: a leader whose disk hangs may end leases that another one renews, then two can hold until the first one's next renewal (etcd issue 15247); upgrade to 3.${minor}.${fixed} or newer`,
    )
  return ok('version', `etcd ${version}`)
}

function leader({ leader, errors }: StatusAnswer): Finding {
  if (leader === '0')
    return risk('leader', 'it knows no leader, so that there are no locks: see whether a majority is up and in touch')
  const trouble = (errors ?? []).filter((error) => !/NOSPACE|CORRUPT/.test(error))
  return trouble.length > 0 ? risk('leader', `it says: ${trouble.join(', ')}`) : ok('leader', 'there is one')
}

function space({ dbSize }: StatusAnswer): Finding {
  const used = Number(dbSize)
  const mib = `${Math.round(used / 1024 ** 2)} MiB`
  if (used < QUOTA * NEAR)
    return ok('quota', `${mib} are stored; the limit is 2 GiB unless set otherwise (--quota-backend-bytes)`)
  return risk(
    'quota',
    `${mib} are stored, and the limit is 2 GiB unless set otherwise (--quota-backend-bytes): beyond it there are no new locks; compact and defragment`,
  )
}

function size({ members, list }: Facts): Finding {
  const all = (list as { readonly members?: readonly object[] } | undefined)?.members
  if (list instanceof Error || all === undefined)
    return unknown(
      'members',
      `how many members there are could not be seen (${list instanceof Error ? list.message : 'no answer'})`,
    )
  const count = all.length
  if (count === 1)
    return risk(
      'members',
      'there is one member: while it is down there are no locks, and with its disk all are lost; use three or five',
    )
  if (count % 2 === 0)
    return risk(
      'members',
      `there are ${count} members, of which as many may fail as of ${count - 1}: use an odd number`,
    )
  const told = members.length < count ? `; this backend knows ${members.length} of them` : ''
  return ok('members', `there are ${count}, of which ${(count - 1) / 2} may fail${told}`)
}

function alarms({ alarms }: Facts): Finding {
  if (alarms instanceof Error) return unknown('alarms', `alarms could not be seen (${alarms.message})`)
  const raised = (alarms as { readonly alarms?: readonly { readonly alarm: string }[] } | undefined)?.alarms ?? []
  const names = [...new Set(raised.map(({ alarm }) => alarm.toUpperCase()))]
  if (names.length === 0) return ok('alarms', 'there are none')
  const means = names.includes('NOSPACE')
    ? 'no new locks are granted: compact, defragment, then etcdctl alarm disarm'
    : 'the data of a member is corrupt: replace it'
  return risk('alarms', `${names.join(', ')}: ${means}`)
}

function access({ minimum, prefix }: Facts): Finding {
  if (minimum instanceof Error)
    return risk(
      'access',
      `a lease was refused (${minimum.message}): locks fail; the user needs readwrite on the prefix ${prefix}`,
    )
  return ok('access', `leases are granted, and the prefix ${prefix} may be read`)
}

function leases({ minimum, minTtl }: Facts): Finding {
  if (minimum instanceof Error) return unknown('leases', 'the shortest lease could not be seen')
  if (minimum > minTtl)
    return risk(
      'leases',
      `the shortest lease is ${minimum} ms, by the election timeout: a ttl from ${minTtl} to below that is refused at its first use; set minTtl: ${minimum}`,
    )
  return ok(
    'leases',
    `the shortest lease is ${minimum} ms${minimum < minTtl ? `; with minTtl: ${minimum} it can be used` : ''}`,
  )
}

function latency({ latency, timeout }: Facts): Finding {
  const median = `a read takes ${latency < 10 ? latency.toFixed(1) : Math.round(latency)} ms`
  if (latency <= timeout * QUICK) return ok('latency', median)
  return risk(
    'latency',
    `${median}, more than a twentieth of the ${timeout} ms that a request may take: use a longer requestTimeout`,
  )
}

const clock: Finding = ok('clock', 'nothing depends on how clocks are set, here or at the members')
