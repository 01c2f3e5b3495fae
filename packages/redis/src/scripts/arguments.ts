import type { LeaseMode } from '@locks/core'

const KINDS = { exclusive: 'x', shared: 's', semaphore: 'p' } as const

/** `<kind><reserve>`, as `ACQUIRE` has it. */
export function useOf(mode: LeaseMode, tokens: number): string {
  const kind = KINDS[mode]
  return tokens > 1_000 ? `${kind.toUpperCase()}000` : kind + String(tokens - 1).padStart(3, '0')
}

/** By how much longer than any request of it may be on its way a token is remembered, in milliseconds. */
const MARGIN = 10_000

/** For how many milliseconds a token is remembered whose requests had a timeout like this one. */
export const lateFor = (timeout: number): number => Math.ceil(2 * timeout + MARGIN)
