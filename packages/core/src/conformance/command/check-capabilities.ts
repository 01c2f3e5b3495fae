type Check = readonly [path: string, wanted: string, fits: (value: unknown) => boolean]

const oneOf = (path: string, ...allowed: readonly unknown[]): Check => [
  path,
  allowed.map((value) => JSON.stringify(value)).join(' or '),
  (value) => allowed.includes(value),
]
const flag = (path: string): Check => oneOf(path, true, false)
const number = (path: string, wanted: string, fits: (value: number) => boolean): Check => [
  path,
  wanted,
  (value) => typeof value === 'number' && fits(value),
]

const MODES = ['exclusive', 'shared', 'semaphore']

/** `Capabilities` of the contract, as an author who is told by no compiler may get them wrong. */
const CHECKS: readonly Check[] = [
  [
    'modes',
    'an array with "exclusive", and "shared" and "semaphore" where the backend has them',
    (value) => Array.isArray(value) && value.includes('exclusive') && value.every((mode) => MODES.includes(mode)),
  ],
  oneOf('queue', 'fifo', 'none'),
  oneOf('wakeup', 'push', 'poll'),
  number('ttl.min', 'the shortest ttl in milliseconds, above 0', (value) => value > 0 && Number.isFinite(value)),
  number('ttl.max', 'the longest finite ttl in milliseconds', (value) => value > 0 && Number.isFinite(value)),
  number('ttl.granularity', "the grain of the expiry's clock in milliseconds, from 0", (value) => value >= 0),
  flag('ttl.infinite'),
  flag('list'),
  oneOf('guarantee.scope', 'process', 'host', 'network'),
  oneOf('guarantee.expiry', 'shared clock', 'observation'),
  oneOf('guarantee.deadHolder', 'at once', 'after its ttl'),
  oneOf('guarantee.lateRequests', 'refused', 'run out'),
  ...['restart', 'failover', 'dataLoss', 'clockStep'].map((event) =>
    oneOf(`guarantee.exclusionAcross.${event}`, true, false, 'n/a'),
  ),
  ...['restart', 'dataLoss'].map((event) => oneOf(`guarantee.fencingAcross.${event}`, true, false, 'clock', 'n/a')),
  ['guarantee.caveat', 'what is not promised, in a sentence', (value) => typeof value === 'string'],
]

/** What is wrong with declared capabilities, a line for each mistake. */
export function capabilityMistakes(capabilities: object): readonly string[] {
  const mistakes = CHECKS.filter(([path, , fits]) => !fits(at(capabilities, path)))
  const lines = mistakes.map(
    ([path, wanted]) => `capabilities.${path} is ${shown(at(capabilities, path))}, not ${wanted}`,
  )
  const { min, max } = (at(capabilities, 'ttl') ?? {}) as { readonly min?: number; readonly max?: number }
  if (lines.length === 0 && Number(min) > Number(max)) lines.push('capabilities.ttl.min is above capabilities.ttl.max')
  return lines
}

function at(object: unknown, path: string): unknown {
  let value = object
  for (const name of path.split('.')) value = (value as Readonly<Record<string, unknown>> | null | undefined)?.[name]
  return value
}

/** A value in a message: short, and what kind of thing it is rather than all of it. */
export function shown(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return String(value)
  if (typeof value === 'string') return value.length > 40 ? 'a long text' : JSON.stringify(value)
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Promise) return 'a promise'
  if (Array.isArray(value)) return value.length > 5 ? 'a long array' : `[${value.map(shown).join(', ')}]`
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
