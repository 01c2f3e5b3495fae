import type { HolderState } from '@locks/core'
import type { KeyValue } from './client.ts'
import { contenderOf } from './keys.ts'

/** What a contender's key has as its value. */
export interface Particulars {
  /** The owner's secret. */
  readonly token: string
  readonly ttl: number
  readonly metadata: string
}

/** A revision of the store allows for so many fencing tokens. */
const TOKENS_PER_REVISION = 20n

/** Tokens rise with the create revisions, by which the contenders are served. */
export const fencingToken = (createRevision: string): bigint => BigInt(createRevision) << TOKENS_PER_REVISION
export const createRevision = (token: bigint): string => String(token >> TOKENS_PER_REVISION)

export const encode = ({ token, ttl, metadata }: Particulars): Buffer =>
  Buffer.from(JSON.stringify([token, ttl, metadata]))

export function decode(value: Buffer): Particulars {
  try {
    const [token, ttl, metadata] = JSON.parse(value.toString()) as [string, number, string]
    return { token: String(token), ttl: Number(ttl), metadata: String(metadata) }
  } catch {
    // Somebody else's key under the prefix. It is in the way all the same.
    return { token: '', ttl: 0, metadata: '' }
  }
}

/** A holder as messages name it. Where `remaining` isn't known, all of its ttl may be left. */
export function holderState(kv: KeyValue, remaining?: number): HolderState {
  const { mode, owner } = contenderOf(kv.key)
  const { ttl, metadata } = decode(kv.value)
  const most = kv.lease === '0' ? Number.POSITIVE_INFINITY : (remaining ?? ttl)
  return { owner, mode, fencingToken: fencingToken(kv.create_revision), remaining: most, metadata }
}

/** Those who hold, of all contenders in the order of their create revisions; the others wait. */
export function holdersAmong(contenders: readonly KeyValue[]): readonly KeyValue[] {
  const [first] = contenders
  if (first === undefined) return []
  const { mode, permits } = contenderOf(first.key)
  if (mode === 'exclusive') return [first]
  if (mode === 'semaphore') return contenders.slice(0, permits)
  const writer = contenders.findIndex(({ key }) => contenderOf(key).mode !== 'shared')
  return writer < 0 ? contenders : contenders.slice(0, writer)
}
