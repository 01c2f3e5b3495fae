import type { View } from './view.ts'

export interface Tick {
  readonly at: number
  readonly label: string
}

/** Round instants, `apart` pixels or more from one another on `width` pixels. */
export function ticksOf({ from, until }: View, width: number, apart: number): readonly Tick[] {
  const step = roundUp(((until - from) * apart) / Math.max(1, width))
  const ticks: Tick[] = []
  const first = Math.ceil(from / step - 1e-9)
  for (let index = first; index * step <= until + 1e-9; index += 1) {
    const at = index * step
    ticks.push({ at, label: at === 0 ? '0' : instant(at, step) })
  }
  return ticks
}

/** The next 1, 2 or 5 times a power of ten. */
function roundUp(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least))
  const [factor = 10] = [1, 2, 5].filter((one) => one * power >= least * (1 - 1e-9))
  return factor * power
}

/** An instant, as exactly as a step of this size needs: `1.25 s`, `380 ms`, `12.5 ms`, `2.004 ms`. */
export function instant(ms: number, step: number): string {
  const [value, grain, unit] = step >= 100 && ms >= 1_000 ? [ms / 1_000, step / 1_000, 's'] : [ms, step, 'ms']
  const digits = Math.max(0, -Math.floor(Math.log10(grain) + 1e-9))
  return `${value.toFixed(Math.min(digits, 6))} ${unit}`
}

/** A length of time, with three digits that count. */
export function length(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(ms >= 10_000 ? 1 : 2)} s`
  return `${ms.toFixed(ms >= 100 ? 0 : ms >= 10 ? 1 : ms >= 1 ? 2 : 3)} ms`
}
