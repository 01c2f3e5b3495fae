import type { LeaseMode } from '../backend.ts'
import type { Outsider } from './store.ts'

/** What the record of one lock says. Immutable. */
export interface RecordState {
  /** The highest fencing token granted or reserved so far. */
  readonly fence: bigint
  /** In arrival order of their grants. */
  readonly holders: readonly Holder[]
  /** In arrival order. */
  readonly queue: readonly Waiter[]
}

/** Until when an entry counts, in terms that each reader can judge. */
export interface Term {
  /** The id of the clock that `at` is on; empty: none, and `at` only differs from one writing to the next. */
  readonly clock: string
  /** Milliseconds on that clock at which it ends, a whole number; Infinity: never. */
  readonly at: number
  /** For how long it was armed, in milliseconds. */
  readonly ttl: number
}

interface Entry {
  readonly mode: LeaseMode
  /** Permits of the semaphore; 1 for the other modes. */
  readonly permits: number
  readonly owner: string
  readonly token: string
  readonly term: Term
  /** Identity of the process that wrote or keeps it; empty if the store can't tell. */
  readonly process: string
  readonly metadata: string
}

export interface Holder extends Entry {
  /** The first fencing token of the hold. */
  readonly fence: bigint
  /** When it was granted, on the term's clock; means nothing without one. */
  readonly start: number
}

/** Its term is its liveness: it writes itself anew while it waits. */
export interface Waiter extends Entry {
  /** The ttl that it will want as a holder. */
  readonly wants: number
  /** How many fencing tokens it will want. */
  readonly tokens: number
}

/** As a holder whom nobody can renew or release, since its token is known to nobody. */
export const outside = ({ owner, metadata, ttl, stamp }: Outsider): Holder => ({
  mode: 'exclusive',
  permits: 1,
  owner,
  token: 'outsider',
  process: '',
  metadata,
  fence: 0n,
  term: { clock: '', at: stamp, ttl },
  start: 0,
})

export const EMPTY: RecordState = { fence: 0n, holders: [], queue: [] }

/**
 * The text form: `1@fence@holder;holder@waiter;waiter`, fields by commas, numbers in base 36 (fences in hex), free text
 * percent-encoded. All of it is safe in a file name, and one holder and one waiter fit into one.
 */
const FORMAT = '1'
const MODE_LETTER: Record<LeaseMode, string> = { exclusive: 'e', shared: 's', semaphore: 'p' }

const encodeNumber = (value: number): string => (value === Number.POSITIVE_INFINITY ? '' : value.toString(36))

function encodeEntry(entry: Entry): string {
  const mode = entry.mode === 'semaphore' ? `p${entry.permits.toString(36)}` : MODE_LETTER[entry.mode]
  const { clock, at, ttl } = entry.term
  return `${mode},${entry.owner},${entry.token},${encodeURIComponent(clock)},${encodeNumber(at)},${encodeNumber(ttl)},${encodeURIComponent(entry.process)},${encodeURIComponent(entry.metadata)}`
}

/** Tokens above `base` are those of the version that the record is about to get, counted from its first one. */
const encodeFence = (fence: bigint, base: bigint | undefined): string =>
  base !== undefined && fence > base ? `+${(fence - base - 1n).toString(16)}` : fence.toString(16)

const encodeHolder = (holder: Holder, base: bigint | undefined): string =>
  `${encodeEntry(holder)},${encodeFence(holder.fence, base)},${encodeNumber(holder.start)}`
const encodeWaiter = (waiter: Waiter): string =>
  `${encodeEntry(waiter)},${encodeNumber(waiter.wants)},${encodeNumber(waiter.tokens)}`

/** `base`: above it, tokens are those of the version that is about to be written. Undefined: all are as they stand. */
export function encodeState(state: RecordState, base?: bigint): string {
  const holders = state.holders.map((holder) => encodeHolder(holder, base)).join(';')
  return `${FORMAT}@${encodeFence(state.fence, base)}@${holders}@${state.queue.map(encodeWaiter).join(';')}`
}

/** The state with those tokens as they are once the version, and its first token, is known. */
export function settle(state: RecordState, base: bigint, first: bigint): RecordState {
  const settled = (fence: bigint): bigint => (fence > base ? first + (fence - base - 1n) : fence)
  if (state.fence <= base) return state
  const holders = state.holders.map((holder) =>
    holder.fence > base ? { ...holder, fence: settled(holder.fence) } : holder,
  )
  return { ...state, fence: settled(state.fence), holders }
}

/** Longest process identity in an essence, in characters; without one, the ttl alone ends the hold. */
const MAX_PROCESS = 48

/** At most 200 characters: one holder that blocks what all of them block, for the longest time that any has. */
export function encodeEssence(state: RecordState): string {
  const [first, ...others] = state.holders
  if (first === undefined) return encodeState({ fence: state.fence, holders: [], queue: [] })
  const longest = others.reduce((term, { term: other }) => (endsLater(other, term) ? other : term), first.term)
  const alone = others.length === 0
  const mode = alone || first.mode === 'shared' ? first.mode : 'exclusive'
  const holder: Holder = {
    ...first,
    mode,
    term: longest,
    process: alone && first.process.length <= MAX_PROCESS ? first.process : '',
    metadata: '',
  }
  return encodeState({ fence: state.fence, holders: [holder], queue: [] })
}

/** Without a common clock only the lengths can be compared. */
const endsLater = (a: Term, b: Term): boolean =>
  b.at !== Number.POSITIVE_INFINITY &&
  (a.at === Number.POSITIVE_INFINITY || (a.clock === b.clock && a.clock !== '' ? a.at > b.at : a.ttl > b.ttl))

/** A record that this code did not write, or that was damaged since. */
export class DamagedRecord extends Error {
  override readonly name: string = 'DamagedRecord'
}

function damaged(text: string): never {
  throw new DamagedRecord(`its record is damaged or of another format: ${JSON.stringify(text.slice(0, 120))}`)
}

const NUMBER = /^[0-9a-z]{1,11}$/
const FENCE = /^(\+?)([0-9a-f]{1,32})$/
const ID = /^[A-Za-z0-9_-]{1,64}$/
const MODE = /^(?:e|s|p([0-9a-z]{1,8}))$/

function decodeNumber(text: string | undefined, whole: string): number {
  if (text === '') return Number.POSITIVE_INFINITY
  if (text === undefined || !NUMBER.test(text)) return damaged(whole)
  return Number.parseInt(text, 36)
}

function decodeFence(text: string | undefined, whole: string, first: bigint | undefined): bigint {
  const [, own, digits] = FENCE.exec(text ?? '') ?? []
  if (digits === undefined || (own === '+' && first === undefined)) return damaged(whole)
  const fence = BigInt(`0x${digits}`)
  return own === '+' && first !== undefined ? first + fence : fence
}

function decodeText(text: string | undefined, whole: string): string {
  if (text === undefined) return damaged(whole)
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return damaged(whole)
  }
}

function decodeEntry(fields: readonly string[], whole: string): Entry {
  const [letter = '', owner = '', token = '', clock, at, ttl, process, metadata] = fields
  const mode = MODE.exec(letter)
  if (fields.length !== 10 || mode === null || !ID.test(owner) || !ID.test(token)) return damaged(whole)
  return {
    mode: letter === 'e' ? 'exclusive' : letter === 's' ? 'shared' : 'semaphore',
    permits: mode[1] === undefined ? 1 : Number.parseInt(mode[1], 36),
    owner,
    token,
    term: { clock: decodeText(clock, whole), at: decodeNumber(at, whole), ttl: decodeNumber(ttl, whole) },
    process: decodeText(process, whole),
    metadata: decodeText(metadata, whole),
  }
}

const entries = (section: string): string[][] =>
  section === '' ? [] : section.split(';').map((entry) => entry.split(','))

/** `first`: the first token of the record's version, where tokens are those. Throws `DamagedRecord` for another format. */
export function decodeState(text: string, first?: bigint): RecordState {
  const [format, fence, holders, queue, ...rest] = text.split('@')
  if (format !== FORMAT || holders === undefined || queue === undefined || rest.length > 0) return damaged(text)
  return {
    fence: decodeFence(fence, text, first),
    holders: entries(holders).map((fields) => ({
      ...decodeEntry(fields, text),
      fence: decodeFence(fields[8], text, first),
      start: decodeNumber(fields[9], text),
    })),
    queue: entries(queue).map((fields) => ({
      ...decodeEntry(fields, text),
      wants: decodeNumber(fields[8], text),
      tokens: decodeNumber(fields[9], text),
    })),
  }
}
