import { usageError } from './exit.ts'

const UNITS: Readonly<Record<string, number>> = { '': 1, ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|)$/

/** Milliseconds from `500ms`, `30s`, `1.5m`, `2h`, `1d`, `inf` or, as in the library, a plain number of milliseconds. */
export function parseDuration(flag: string, text: string): number {
  if (text === 'inf') return Number.POSITIVE_INFINITY
  const [, number, unit] = DURATION.exec(text) ?? []
  if (number === undefined || unit === undefined)
    throw usageError(
      `${flag} ${JSON.stringify(text)} is no duration: write 500ms, 30s, 2m, 1h, inf, or a number of milliseconds`,
    )
  return Number(number) * (UNITS[unit] as number)
}

const STEPS: readonly (readonly [limit: number, divisor: number, unit: string])[] = [
  [10_000, 1, 'ms'],
  [120_000, 1_000, 's'],
  [7_200_000, 60_000, 'min'],
  [172_800_000, 3_600_000, 'h'],
  [Number.POSITIVE_INFINITY, 86_400_000, 'd'],
]

/** A duration for people. */
export function formatDuration(ms: number): string {
  if (ms === Number.POSITIVE_INFINITY) return 'no end'
  const [, divisor, unit] = STEPS.find(([limit]) => Math.round(ms) < limit) as (typeof STEPS)[number]
  return `${Math.max(0, Math.round(ms / divisor))} ${unit}`
}
