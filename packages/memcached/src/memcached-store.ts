import { createHash } from 'node:crypto'
import {
  type Guarantee,
  LockBackendError,
  type LockKey,
  type RecordRead,
  type RecordStore,
  type RecordWrite,
  type Runtime,
} from '@locks/core'
import { ADD, type Answer, type Connection, DELETE, GET, MISSING, OK, type Question, REPLACE } from './connection.ts'
import { GUARANTEE, TTL } from './guarantee.ts'
import { GRAVE, Late } from './late.ts'
import type { Line } from './line.ts'
import type { Settings } from './options.ts'
import type { Servers } from './servers.ts'

/** There is no item. */
const ABSENT: unique symbol = Symbol('absent')

interface Item {
  readonly cas: bigint
  /** Of the server's process, whose versions begin at 1. */
  readonly epoch: bigint
  readonly value: string
  /** Over which it was read and may be acted on once, without another reading. */
  readonly line: Line | undefined
  /** What is known of those that may come late, see below. */
  readonly flags: number
}

type Version = Item | typeof ABSENT
type Place = readonly [name: string, server: Connection]

/** The item is there only to refuse an `add` that comes late, and goes by itself. */
const TOMBSTONE = 1
/**
 * An `add` may come late: it was written over a tombstone, over another such, or while one had no answer. When it goes, a
 * tombstone takes its place, whoever takes it away.
 */
const ABOVE_TOMBSTONE = 2
/** Tokens of one version, as a power of 2. */
const TOKENS = 10n
/** Changes that a server makes in a second at most. */
const CHANGES = 1_000_000n

/** One item for each lock that is in use. */
export class MemcachedStore implements RecordStore<Version> {
  readonly name: string = 'memcached'
  readonly location: string
  readonly clock = null
  readonly presence = null
  readonly ttl: { readonly min: number; readonly max: number; readonly infinite: boolean } = TTL
  readonly queue: 'none' = 'none'
  readonly pollInterval: number = 3
  readonly longestPoll: number = 250
  readonly idleRecords: 'remove' = 'remove'
  readonly guarantee: Guarantee = GUARANTEE
  readonly absence: typeof ABSENT = ABSENT
  readonly watch = null
  readonly names = null
  readonly #servers: Servers
  readonly #prefix: string
  readonly #places = new WeakMap<LockKey, Place>()
  readonly #late: Late

  constructor({ prefix }: Settings, servers: Servers, runtime: Runtime) {
    this.location = servers.all.map(({ name }) => name).join(',')
    this.#servers = servers
    this.#prefix = prefix
    this.#late = new Late(runtime)
  }

  readonly tokenOf = (version: Version): bigint =>
    version === ABSENT ? 0n : (version.epoch * CHANGES + version.cas) << TOKENS

  async read(key: LockKey, timeout: number): Promise<RecordRead<Version>> {
    const [place, server] = this.#placeOf(key)
    const answer = await server.ask(GET, place, {}, timeout)
    if (answer.status === MISSING) return { version: ABSENT, value: null, floor: 0n }
    const item = itemOf(server, answer)
    return { version: item, value: item.value === '' && item.flags === TOMBSTONE ? null : item.value, floor: 0n }
  }

  async write(key: LockKey, version: Version, record: RecordWrite, timeout: number): Promise<Version | null> {
    const [place, server] = this.#placeOf(key)
    const isIdle = record.keepFor === 0
    const flags = isIdle ? TOMBSTONE : this.#mayBeLate(place, version) ? ABOVE_TOMBSTONE : 0
    const keeping = { keepFor: Math.max(record.keepFor, flags === 0 ? 0 : GRAVE), flags }
    const { value } = record
    const change = { keeping, value }
    const current = version === ABSENT ? undefined : await this.#currentOf(server, place, version, timeout)
    if (version !== ABSENT && current === undefined) return null
    const answer = await (current === undefined
      ? this.#late.follow(place, () => server.ask(ADD, place, change, timeout))
      : server.ask(REPLACE, place, { ...current, ...change }, timeout))
    return answer.status === OK ? itemOf(server, { ...answer, value, flags }, false) : null
  }

  async remove(key: LockKey, version: Version, _fence: bigint, timeout: number): Promise<boolean> {
    if (version === ABSENT) return false
    // It goes by itself, when nothing can come late any more.
    if (version.flags === TOMBSTONE) return true
    const [place, server] = this.#placeOf(key)
    const current = await this.#currentOf(server, place, version, timeout)
    if (current === undefined) return false
    if (!this.#mayBeLate(place, version)) return (await server.ask(DELETE, place, current, timeout)).status === OK
    // An `add` that is still on its way would find nothing in its way.
    const keeping = { keepFor: GRAVE, flags: TOMBSTONE }
    return (await server.ask(REPLACE, place, { ...current, keeping, value: '' }, timeout)).status === OK
  }

  async sweep(): Promise<void> {}

  async close(): Promise<void> {
    this.#servers.close()
  }

  #placeOf(key: LockKey): Place {
    const known = this.#places.get(key)
    if (known !== undefined) return known
    const name = `${this.#prefix}${createHash('sha256').update(key.id).digest('base64url')}`
    const place = [name, this.#servers.of(name)] as const
    this.#places.set(key, place)
    return place
  }

  /** What a change is to be made to, if the item is still that one. A remembered version is worth nothing: they begin anew. */
  async #currentOf(server: Connection, place: string, item: Item, timeout: number): Promise<Question | undefined> {
    if (item.line?.isOpen === true) return { cas: item.cas, line: item.line }
    const { status, value, flags, cas, line } = await server.ask(GET, place, {}, timeout)
    return status === OK && value === item.value && flags === item.flags ? { cas, line } : undefined
  }

  #mayBeLate(place: string, version: Version): boolean {
    return (version !== ABSENT && version.flags !== 0) || this.#late.mayCome(place)
  }
}

/** `isFresh`: whether it was just read. */
function itemOf({ name }: Connection, { cas, epoch, value, flags, line }: Answer, isFresh = true): Item {
  if (cas === 0n)
    throw new LockBackendError(
      `memcached ${name}: it has no versions (it runs with -C), without which there are no locks`,
    )
  return { cas, epoch, value, flags, line: isFresh ? line : undefined }
}
