import type { Holder, RecordState, Waiter } from '../../src/record/state.ts'
import type { Random } from '../random.ts'

export const ID = [...'ABCXYZabcxyz0189-_']
export const TEXT = [...'aZ09-_.!~*\'()%,;@ :/\\"{}\0\n\u007füß中🔒\u2028']

const token = (random: Random): string => random.text(ID, 21) + random.oneOf(ID)
const at = (random: Random): number => (random.below(8) === 0 ? Number.POSITIVE_INFINITY : random.below(2 ** 45))
const fence = (random: Random): bigint => BigInt(random.below(2 ** 40)) * BigInt(random.below(2 ** 40))

function entry(random: Random) {
  const mode = random.oneOf(['exclusive', 'shared', 'semaphore'] as const)
  return {
    mode,
    permits: mode === 'semaphore' ? 1 + random.below(1_000_000) : 1,
    owner: token(random),
    token: token(random),
    term: { clock: random.text(TEXT, 6), at: at(random), ttl: at(random) },
    process: random.text(TEXT, 20),
    metadata: random.text(TEXT, 40),
  }
}

export const randomHolder = (random: Random): Holder => ({
  ...entry(random),
  fence: fence(random),
  start: random.below(2 ** 45),
})

const randomWaiter = (random: Random): Waiter => ({
  ...entry(random),
  wants: at(random),
  tokens: 1 + random.below(64),
})

/** Any record that could be written, whether or not it makes sense. */
export const randomState = (random: Random): RecordState => ({
  fence: fence(random),
  holders: Array.from({ length: random.below(4) }, () => randomHolder(random)),
  queue: Array.from({ length: random.below(4) }, () => randomWaiter(random)),
})
