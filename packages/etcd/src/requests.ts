import type { KeyValue, Operation, RangeRequest, Response, Transaction, TransactionAnswer } from './client.ts'
import { type Contender, contenderKey, graves, type KeyRange, misfits, type Place } from './keys.ts'

/** The protocol's numbers. */
const CREATE = 1
const MOD = 2
const VALUE = 3
const BY_CREATE_REVISION = 2
const EQUAL = 0
const LESS = 2
const ASCEND = 1
const DESCEND = 2

/** Who wants the lock, by which key and value. */
export interface Applicant {
  readonly place: Place
  readonly who: Contender
  readonly own: Buffer
  readonly value: Buffer
}

/** Where a contender stands. */
export interface Position {
  /** The revision at which this was so. */
  readonly revision: string
  /** The first of all: it holds. Undefined: nobody. */
  readonly first: KeyValue | undefined
  /**
   * In the way: the one before (exclusive), the last writer before (shared), or all before (semaphore).
   */
  readonly ahead: readonly KeyValue[]
  /** How many contend. */
  readonly contenders: number
}

export type Entry =
  | { readonly kind: 'alone'; readonly revision: string }
  | { readonly kind: 'entered'; readonly position: Position }
  /** There is a key of this owner already. */
  | { readonly kind: 'known'; readonly kv: KeyValue }
  /** It was given up. */
  | { readonly kind: 'buried' }
  /** The name is in use otherwise, by this key. */
  | { readonly kind: 'misfit'; readonly key: Buffer }
  | { readonly kind: 'busy'; readonly position: Position }
  /** It can't be told. */
  | { readonly kind: 'gone' }

type Compare = Transaction['compare'][number]

const none = (range: KeyRange | { readonly key: Buffer }): Compare => ({
  ...range,
  target: CREATE,
  result: EQUAL,
  create_revision: '0',
})

const get = (range: RangeRequest): Operation => ({ request_range: range })
const put = ({ own, value }: Applicant, lease: string): Operation => ({ request_put: { key: own, value, lease } })
const one = (range: KeyRange): RangeRequest => ({ ...range, keys_only: true, limit: 1 })

/** What must not be there for the lock to be had at once. Often nothing is: one question is enough for that. */
function unlessFree({ place, who, own }: Applicant): Compare[] {
  if (who.mode !== 'shared') return [none(place.everything)]
  return [none(place.barsReaders), none({ key: own }), none(graves(place, who.owner))]
}

/** Who is first, and who is ahead: of a contender of create revision `before`, or of one that comes last. */
function standing({ place, who }: Applicant, before?: string): Operation[] {
  const first: RangeRequest = { ...place.all, sort_order: ASCEND, sort_target: BY_CREATE_REVISION, limit: 1 }
  const range = who.mode === 'exclusive' ? place.all : who.mode === 'shared' ? place.writers : place.permits
  const earlier = before === undefined ? {} : { max_create_revision: String(BigInt(before) - 1n) }
  const ahead: RangeRequest = {
    ...range,
    ...earlier,
    keys_only: true,
    sort_target: BY_CREATE_REVISION,
    sort_order: DESCEND,
  }
  // One's own key may be among them.
  if (who.mode !== 'semaphore') ahead.limit = 2
  return [get(first), get(ahead)]
}

/** The place that is asked for twice, or may not be had: what to tell of it. */
const particulars = ({ place, who, own }: Applicant): Operation[] => [
  get({ key: own, keys_only: true }),
  get(one(graves(place, who.owner))),
  ...misfits(place, who).map((range) => get(one(range))),
]

/** Takes the lock, if nobody is in the way, with the lease `hold`; else a place in the queue, with the lease `wait`. */
export function enter(applicant: Applicant, hold: string, wait: string): Transaction {
  const { place, who, own } = applicant
  const queue: Transaction = {
    compare: [none({ key: own }), none(graves(place, who.owner)), ...misfits(place, who).map(none)],
    success: [put(applicant, wait), ...standing(applicant)],
    failure: particulars(applicant),
  }
  return { compare: unlessFree(applicant), success: [put(applicant, hold)], failure: [{ request_txn: queue }] }
}

/** Takes the lock if nobody is in the way; `briefly`: without saying who is. */
export const attempt = (applicant: Applicant, hold: string, briefly: boolean): Transaction => ({
  compare: unlessFree(applicant),
  success: [put(applicant, hold)],
  failure: briefly ? [] : [...standing(applicant), ...particulars(applicant)],
})

/** Takes a permit if nobody has come after `revision`: then there are as many left as there were. */
export const squeeze = (applicant: Applicant, hold: string, revision: string): Transaction => ({
  compare: [
    { ...applicant.place.all, target: CREATE, result: LESS, create_revision: String(BigInt(revision) + 1n) },
    none({ key: applicant.own }),
    none(graves(applicant.place, applicant.who.owner)),
  ],
  success: [put(applicant, hold)],
  failure: [...standing(applicant), ...particulars(applicant)],
})

/** Reads all who hold or wait, in the order of their arrival. */
export const readAll = ({ all }: Place): Transaction => ({
  compare: [],
  success: [get({ ...all, sort_target: BY_CREATE_REVISION, sort_order: ASCEND })],
  failure: [],
})

/** Looks where a contender stands. Changes nothing, and yet sees what all members have agreed on. */
export const look = (applicant: Applicant, createRevision: string): Transaction => ({
  compare: [],
  success: [get({ key: applicant.own }), ...standing(applicant, createRevision)],
  failure: [],
})

/** Does something to one's key, if it is still as it was. */
export const change = (own: Buffer, value: Buffer, ...operations: readonly Operation[]): Transaction => ({
  compare: [{ key: own, target: VALUE, result: EQUAL, value }],
  success: [...operations],
  failure: [get({ key: own })],
})

/**
 * Puts one's key on a lease (undefined: on none), if nothing has been done to it since `modRevision`: a request that arrives
 * late finds another one, and does nothing.
 */
export const settle = (
  own: Buffer,
  [value, next]: readonly [value: Buffer, next: Buffer],
  modRevision: string,
  lease: string | undefined,
): Transaction => ({
  compare: [
    { key: own, target: VALUE, result: EQUAL, value },
    { key: own, target: MOD, result: EQUAL, mod_revision: modRevision },
  ],
  success: [{ request_put: { key: own, value: next, ...(lease !== undefined && { lease }) } }],
  failure: [get({ key: own })],
})

export const ranges = (responses: readonly Response[]): readonly (readonly KeyValue[])[] =>
  responses.map(({ response_range }) => response_range?.kvs ?? [])

function positionFrom(responses: readonly Response[], { who, own }: Applicant, revision: string): Position {
  const [first = [], ahead = []] = ranges(responses)
  const others = ahead.filter(({ key }) => !key.equals(own))
  return {
    revision,
    first: first[0],
    ahead: who.mode === 'semaphore' ? others : others.slice(0, 1),
    contenders: Number(responses[0]?.response_range?.count ?? 0),
  }
}

/** What `particulars` brought: why there is no place. */
function reason(responses: readonly Response[]): Entry | undefined {
  const [own = [], buried = [], ...misfit] = ranges(responses)
  if (own[0] !== undefined) return { kind: 'known', kv: own[0] }
  if (buried.length > 0) return { kind: 'buried' }
  const key = misfit.flat()[0]?.key
  return key && { kind: 'misfit', key }
}

/** The answer to `enter`. */
export function entered({ header, succeeded, responses }: TransactionAnswer, applicant: Applicant): Entry {
  const { revision } = header
  if (succeeded) return { kind: 'alone', revision }
  const queue = responses[0]?.response_txn
  if (queue?.succeeded !== true) return reason(queue?.responses ?? []) ?? { kind: 'gone' }
  return { kind: 'entered', position: positionFrom(queue.responses.slice(1), applicant, revision) }
}

/** The answer to `attempt` or `squeeze`. */
export function attempted({ header, succeeded, responses }: TransactionAnswer, applicant: Applicant): Entry {
  const { revision } = header
  if (succeeded) return { kind: 'alone', revision }
  const position = positionFrom(responses, applicant, revision)
  return reason(responses.slice(2)) ?? { kind: 'busy', position }
}

/** The answer to `look`: one's key, and where it stands. */
export function looked(
  { header, responses }: TransactionAnswer,
  applicant: Applicant,
): { readonly kv: KeyValue | undefined; readonly position: Position } {
  const [kvs = []] = ranges(responses)
  const position = positionFrom(responses.slice(1), applicant, header.revision)
  return { kv: kvs[0], position }
}

/** Whether nobody stands in the way. */
export const isServed = ({ mode, permits }: Contender, { ahead }: Position): boolean =>
  ahead.length < (mode === 'semaphore' ? permits : 1)

export const applicantOf = (place: Place, who: Contender, value: Buffer): Applicant => ({
  place,
  who,
  own: contenderKey(place, who),
  value,
})
