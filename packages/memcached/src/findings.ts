import type { Finding } from '@locks/core'

type Figures = Readonly<Record<string, string>>

/** What was seen of one server. */
export interface ServerFacts {
  readonly name: string
  readonly figures: Figures
  readonly settings: Figures
  /** Median of some reads, in milliseconds. */
  readonly latency: number
}

/** A round trip may take this part of a request's time: beyond, little is left for repeating it. */
const QUICK = 1 / 20
/** Locks alone are few and small: with more items than this, others store here, too. */
const MANY = 10_000
/** Commands that locks don't use. */
const FOREIGN: readonly string[] = ['incr_hits', 'incr_misses', 'decr_hits', 'decr_misses', 'cmd_touch']
const NEARLY_FULL = 0.8
/** Items that went before their time: when memory was short, or dealt out anew among sizes of items (even with -M). */
const LOST: readonly string[] = ['evictions', 'slab_reassign_evictions_nomem', 'slab_reassign_busy_deletes']

type Judge = (subject: string, message: string) => Finding

const finding =
  (severity: Finding['severity']): Judge =>
  (subject, message) => ({ severity, subject, message })
const ok: Judge = finding('ok')
const risk: Judge = finding('risk')
const unknown: Judge = finding('unknown')

/** One line each on what was looked at. */
export function findingsFrom(servers: readonly ServerFacts[], timeout: number): readonly Finding[] {
  const each = servers.flatMap((server) => {
    const found = [
      version(server),
      eviction(server),
      memory(server),
      use(server),
      versions(server),
      latency(server, timeout),
    ]
    return servers.length === 1 ? found : found.map((one) => ({ ...one, message: `${server.name}: ${one.message}` }))
  })
  return [...each, restart]
}

/** It is so with every memcached. */
const restart: Finding = risk(
  'restart',
  'a restart forgets all locks: then two can hold until the first one’s next renewal',
)

const version = ({ figures }: ServerFacts): Finding =>
  figures.version === undefined
    ? unknown('version', 'it does not tell its version')
    : ok('version', `memcached ${figures.version}`)

function eviction({ figures, settings }: ServerFacts): Finding {
  const evicted = LOST.reduce((sum, name) => sum + Number(figures[name] ?? 0), 0)
  if (evicted > 0)
    return risk(
      'eviction',
      `${evicted} items were evicted since it began: locks may be among them; give it more memory (-m), or locks a server of their own`,
    )
  if (settings.evictions === 'on')
    return risk(
      'eviction',
      'it evicts items, so locks as well, when its memory is full: start it with -M, and room to spare',
    )
  if (settings.evictions === undefined) return unknown('eviction', 'whether it evicts items could not be seen')
  return ok('eviction', 'it evicts nothing (-M)')
}

function memory({ figures }: ServerFacts): Finding {
  const [used, limit] = [Number(figures.bytes), Number(figures.limit_maxbytes)]
  if (!(limit > 0)) return unknown('memory', 'its memory could not be seen')
  const share = `${Math.round((used / limit) * 100)} % of ${Math.round(limit / 1024 ** 2)} MiB are used`
  return used > limit * NEARLY_FULL
    ? risk('memory', `${share}: beyond it there are evictions, or with -M neither new locks nor renewals`)
    : ok('memory', share)
}

function use({ figures }: ServerFacts): Finding {
  const own = 'give locks a server of their own'
  const count = (name: string): number => Number(figures[name] ?? 0)
  const flushes = count('cmd_flush')
  if (flushes > 0)
    return risk('shared use', `flush_all was called ${flushes} times since it began, which ends all locks; ${own}`)
  const foreign = FOREIGN.filter((name) => count(name) > 0)
  if (foreign.length > 0)
    return risk('shared use', `others store here, too (${foreign.join(', ')}), and may push locks out; ${own}`)
  const items = count('curr_items')
  return items > MANY
    ? risk('shared use', `it has ${items} items: what else is stored here may push locks out; ${own}`)
    : ok('shared use', `it has ${items} items`)
}

const versions = ({ settings }: ServerFacts): Finding =>
  settings.cas_enabled === 'no'
    ? risk('versions', 'it runs without versions (-C): there are no locks; leave -C out')
    : ok('versions', 'it has versions (CAS)')

function latency({ latency }: ServerFacts, timeout: number): Finding {
  const took = `a read takes ${Math.round(latency * 10) / 10} ms`
  return latency > timeout * QUICK
    ? risk('latency', `${took}, of a requestTimeout of ${timeout} ms: little is left for repeating it`)
    : ok('latency', took)
}
