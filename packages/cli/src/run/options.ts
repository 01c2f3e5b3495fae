import { type Arguments, type Flags, parseArguments } from '../arguments.ts'
import { parseDuration } from '../duration.ts'
import { usageError } from '../exit.ts'
import { soleName, WHERE } from '../session.ts'

/** What becomes of the command when the lease is lost. */
export type OnLost = 'kill' | 'term' | 'ignore'

export interface RunOptions {
  readonly args: Arguments
  readonly name: string
  readonly mode: 'exclusive' | 'shared' | { readonly permits: number }
  readonly ttl: number
  readonly timeout: number | undefined
  readonly onLost: OnLost
  readonly command: readonly [file: string, ...args: string[]]
}

const FLAGS: Flags = {
  ...WHERE,
  ttl: 'a duration',
  timeout: 'a duration',
  shared: null,
  permits: 'a number',
  'on-lost': 'kill, term or ignore',
}

const DEFAULT_TTL = 30_000

/** Null: help was asked for. */
export function parseRun(argv: readonly string[]): RunOptions | null {
  const end = argv.indexOf('--')
  const args = parseArguments('run', end < 0 ? argv : argv.slice(0, end), FLAGS)
  if (args.set.has('help')) return null

  const [file, ...rest] = end < 0 ? [] : argv.slice(end + 1)
  if (end < 0 && args.positionals.length > 1)
    throw usageError('put -- before the command: locks run NAME -- command args…')
  const name = soleName('run', args)
  if (file === undefined || file === '') throw usageError('which command? Write: locks run NAME -- command args…')

  const ttl = args.values.get('ttl')
  const timeout = args.values.get('timeout')
  return {
    args,
    name,
    mode: parseMode(args),
    ttl: ttl === undefined ? DEFAULT_TTL : parseDuration('--ttl', ttl),
    timeout: timeout === undefined ? undefined : parseDuration('--timeout', timeout),
    onLost: parseOnLost(args.values.get('on-lost') ?? 'kill'),
    command: [file, ...rest],
  }
}

function parseMode({ set, values }: Arguments): RunOptions['mode'] {
  const permits = values.get('permits')
  if (permits === undefined) return set.has('shared') ? 'shared' : 'exclusive'
  if (set.has('shared')) throw usageError('--shared and --permits exclude each other')
  if (!/^[1-9]\d{0,8}$/.test(permits))
    throw usageError(`--permits ${JSON.stringify(permits)} is no whole number from 1 on`)
  return { permits: Number(permits) }
}

function parseOnLost(text: string): OnLost {
  if (text === 'kill' || text === 'term' || text === 'ignore') return text
  throw usageError(`--on-lost ${JSON.stringify(text)} is none of kill, term, ignore`)
}
