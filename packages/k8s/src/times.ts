/**
 * Kubernetes writes times of day with microseconds; JavaScript's dates keep milliseconds. As text, by which two writings
 * can be told apart, and as whole microseconds since 1970, which a double holds exactly.
 */

const MICROS = /^(.*[T ]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(.*)$/

export function microsOf(time: Date | string): number {
  if (time instanceof Date) return time.getTime() * 1_000
  const [, seconds = '', fraction = '', zone = 'Z'] = MICROS.exec(time) ?? []
  return Date.parse(`${seconds}${zone}`) * 1_000 + Number(fraction.padEnd(6, '0').slice(0, 6))
}

export function textOf(micros: number): string {
  const millis = Math.floor(micros / 1_000)
  const rest = `${micros - millis * 1_000}`.padStart(3, '0')
  return new Date(millis).toISOString().replace('Z', `${rest}Z`)
}
