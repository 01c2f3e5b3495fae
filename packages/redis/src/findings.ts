import type { Finding } from '@locks/core'

/** What a server says of itself, by the names that it gives it. */
export type Reading = ReadonlyMap<string, string>

/** What was seen of one server. */
export interface Facts {
  /** The answer to INFO; undefined: refused. */
  readonly info: Reading | undefined
  /** Some settings; undefined: CONFIG is refused. */
  readonly config: Reading | undefined
  /** The answer to CLUSTER INFO; undefined: refused, or no Cluster. */
  readonly cluster: Reading | undefined
  /** What of the commands that locks need is refused, each with the server's words. */
  readonly refused: readonly string[]
  /** What those need who are refused something. */
  readonly permissions: string
  /** Median of some round trips, in milliseconds. */
  readonly latency: number
  /** By how much the server's clock is ahead of this host's, in milliseconds; undefined: it could not be read. */
  readonly ahead: number | undefined
  /** Milliseconds that a request may take. */
  readonly timeout: number
  /** How many masters the client knows. */
  readonly masters: number
}

const MAJOR = 7
/** From which part of a limit on it counts as near. */
const NEAR = 0.9
/** Milliseconds between two clocks beyond which one of them is not kept right by anybody. */
const OFF = 10_000
/** A round trip may take this part of a request's time: beyond, little is left for repeating it. */
const QUICK = 1 / 20
const SLOTS = 16_384
const TWO_HOLD = "two can hold until the first one's next renewal"

/** One line each on what was looked at. Where INFO is refused, one line names what it would have told. */
export function findingsFrom(facts: Facts): readonly Finding[] {
  const { info } = facts
  if (info === undefined) {
    const unseen = 'version, replicas, persistence, memory, eviction and connections could not be seen'
    return [
      unknown('server', `INFO is refused: ${unseen}; allow +info`),
      commands(facts),
      clock(facts),
      latency(facts),
      ...(facts.cluster === undefined ? [] : [cluster(facts)]),
    ]
  }
  return [
    server(info),
    commands(facts),
    ...replication(info),
    persistence(info, facts.config),
    eviction(info),
    memory(info),
    connections(info, facts.config),
    clock(facts),
    latency(facts),
    ...(info.get('cluster_enabled') === '1' ? [cluster(facts)] : []),
  ]
}

type Judge = (subject: string, message: string) => Finding

const finding =
  (severity: Finding['severity']): Judge =>
  (subject, message) => ({ severity, subject, message })
export const ok: Judge = finding('ok')
export const risk: Judge = finding('risk')
export const unknown: Judge = finding('unknown')

const amount = (reading: Reading, name: string): number => Number(reading.get(name) ?? 0)

function server(info: Reading): Finding {
  const valkey = info.get('valkey_version')
  if (valkey !== undefined) return ok('server', `Valkey ${valkey}`)
  const version = info.get('redis_version') ?? 'of an unknown version'
  if (Number.parseInt(version, 10) >= MAJOR) return ok('server', `Redis ${version}`)
  return risk('server', `Redis ${version} takes no locks: their scripts need Redis ${MAJOR}.0 or Valkey; upgrade`)
}

function commands({ refused, permissions }: Facts): Finding {
  if (refused.length === 0) return ok('commands', 'scripts and messages are allowed')
  const which = refused.join(', ')
  return risk('commands', `refused are ${which}: locks, or waiting for them, fail; allow this user ${permissions}`)
}

function replication(info: Reading): readonly Finding[] {
  if (info.get('role') === 'slave') {
    const master = `${info.get('master_host')}:${info.get('master_port')}`
    return [risk('replicas', `this is a replica of ${master}, which takes no locks; connect to the master`)]
  }
  const count = amount(info, 'connected_slaves')
  if (count === 0) return [ok('replicas', 'a master without any: no failover can lose a lock')]
  const number = count === 1 ? '1 replica, which gets' : `${count} replicas, which get`
  return [
    risk('replicas', `${number} each change after its answer: a failover can lose the newest locks, and ${TWO_HOLD}`),
    // INFO has it exactly if replicas are demanded.
    info.has('min_slaves_good_slaves')
      ? ok('isolation', 'min-replicas-to-write is set: a master that is cut off soon takes no more locks')
      : risk(
          'isolation',
          'min-replicas-to-write is 0: a master that is cut off goes on granting while its successor does, too; set it to 1',
        ),
  ]
}

function persistence(info: Reading, config: Reading | undefined): Finding {
  const mend = 'set appendonly yes and appendfsync always'
  if (info.get('aof_enabled') !== '1')
    return risk('persistence', `appendonly is no: a restart forgets all locks, and ${TWO_HOLD}; ${mend}`)
  const fsync = config?.get('appendfsync')
  const forgets = `a crash forgets the locks of the last second, and ${TWO_HOLD}`
  if (fsync === undefined)
    return unknown('persistence', `appendonly is yes, but CONFIG is refused: unless appendfsync is always, ${forgets}`)
  if (fsync !== 'always') return risk('persistence', `appendfsync is ${fsync}: ${forgets}; set it to always`)
  return ok('persistence', 'each change is on disk before its answer: a restart keeps all locks')
}

function eviction(info: Reading): Finding {
  const policy = info.get('maxmemory_policy')
  if (policy === 'noeviction') return ok('eviction', 'maxmemory-policy is noeviction')
  if (amount(info, 'maxmemory') === 0) return ok('eviction', 'maxmemory is not set, so that nothing is evicted')
  const evicted = amount(info, 'evicted_keys')
  const so = evicted === 0 ? '' : ` (${evicted} keys so far)`
  return risk('eviction', `maxmemory-policy is ${policy}: locks can be evicted${so}, and ${TWO_HOLD}; set noeviction`)
}

function memory(info: Reading): Finding {
  const used = amount(info, 'used_memory')
  const limit = amount(info, 'maxmemory')
  if (limit === 0) return ok('memory', `${megabytes(used)} used, no limit set`)
  const part = `${Math.round((100 * used) / limit)} % of maxmemory (${megabytes(limit)}) used`
  if (used < NEAR * limit) return ok('memory', part)
  return risk('memory', `${part}: once it is full, no new locks are taken, or old ones evicted; raise maxmemory`)
}

const megabytes = (bytes: number): string => `${Math.max(1, Math.round(bytes / 1_048_576))} MB`

function connections(info: Reading, config: Reading | undefined): Finding {
  const open = amount(info, 'connected_clients')
  const limit = amount(info, 'maxclients')
  const idle = Number(config?.get('timeout') ?? 0)
  const closed = idle === 0 ? '' : `; idle ones are closed after ${idle} s, which costs their next lock a new one`
  if (limit === 0) return ok('connections', `${open} open${closed}`)
  if (open < NEAR * limit) return ok('connections', `${open} of at most ${limit} open${closed}`)
  return risk('connections', `${open} of at most ${limit} open: further clients are turned away; raise maxclients`)
}

function clock({ ahead }: Facts): Finding {
  if (ahead === undefined) return unknown('clock', 'the time could not be read: see commands')
  const off = Math.abs(ahead)
  const difference = `${duration(off)} ${ahead < 0 ? 'behind' : 'ahead of'} this host's`
  if (off <= OFF) return ok('clock', `${difference}; only a step of it would matter`)
  return risk(
    'clock',
    `${difference}: harmless until somebody sets it right, when holds end early or late; have it slewed (NTP)`,
  )
}

/** A client that has been connected for a while knows more of the clock; one that has just come knows nothing. */
export function stepsSeen(steps: number): readonly Finding[] {
  if (steps === 0) return []
  const often = steps === 1 ? 'once' : `${steps} times`
  return [
    risk(
      'clock steps',
      `the clock was set, or another server took over, ${often}: leases may end early; have it slewed`,
    ),
  ]
}

function duration(ms: number): string {
  if (ms < 10_000) return `${Math.round(ms)} ms`
  return ms < 7_200_000 ? `${Math.round(ms / 1_000)} s` : `${Math.round(ms / 3_600_000)} h`
}

function latency({ latency: median, timeout }: Facts): Finding {
  const trip = `a round trip takes ${median.toFixed(median < 10 ? 1 : 0)} ms, a request may take ${timeout} ms`
  if (median <= timeout * QUICK) return ok('latency', trip)
  return risk('latency', `${trip}: little is left for a second try; bring the server closer, or raise requestTimeout`)
}

function cluster({ cluster: state, masters }: Facts): Finding {
  if (state === undefined) return unknown('cluster', 'CLUSTER INFO is refused: whether all slots are served is unknown')
  const size = amount(state, 'cluster_size')
  if (masters === 1 && size > 1)
    return risk(
      'cluster',
      `one of ${size} masters, asked as if alone: most locks fail (MOVED); connect as to a Cluster`,
    )
  const served = amount(state, 'cluster_slots_ok')
  if (state.get('cluster_state') === 'ok' && served === SLOTS)
    return ok('cluster', `all ${SLOTS} slots are served, by ${size} ${size === 1 ? 'master' : 'masters'}`)
  const serves = `its state is ${state.get('cluster_state')}, ${served} of ${SLOTS} slots are served`
  return risk('cluster', `${serves}: locks of the others fail; see CLUSTER NODES for who is missing`)
}
