/** The value below which the given share lies; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** The median over the rounds of what `of` was in each, in parts of what `to` was in the same round. */
export function medianRatio(of: readonly number[], to: readonly number[]): number {
  return median(of.map((value, round) => value / (to[round] ?? Number.NaN)))
}

/** Runs `measure` for each subject in each round, in another order every time, so that what the machine does hits all. */
export async function interleaved<T>(
  subjects: readonly T[],
  rounds: number,
  measure: (subject: T, round: number) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const first = (round * 3) % Math.max(1, subjects.length)
    for (const subject of [...subjects.slice(first), ...subjects.slice(0, first)]) await measure(subject, round)
  }
}

/** Lines of equally wide columns; the first is aligned to the left. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  '),
    )
    .map((line) => `  ${line.trimEnd()}`)
    .join('\n')
}

/** What ours is to reach, beside what it is. */
export interface Target {
  readonly what: string
  readonly value: number
  readonly atLeast?: number
  readonly atMost?: number
  readonly exactly?: number
  readonly unit?: string
}

export function verdict({ what, value, atLeast, atMost, exactly, unit = '' }: Target): string {
  const [words, bound, reached] =
    exactly !== undefined
      ? ['exactly', exactly, value === exactly]
      : atLeast !== undefined
        ? ['at least', atLeast, value >= atLeast]
        : ['at most', atMost ?? Number.NaN, value <= (atMost ?? Number.NaN)]
  return `  ${reached ? '✓' : '✗'} ${what}: ${value.toFixed(2)}${unit}, wanted ${words} ${bound}${unit}`
}
