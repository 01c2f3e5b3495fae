import type { ManagedFields } from './client.ts'

/** What the server's stamps say is at most this old: they are whole seconds, as is the date of its answers. */
const GRAIN = 1_000

/**
 * For how many milliseconds, before it was asked, the holder's fields and the whole Lease have certainly not been written:
 * the date of the server's answer against the stamps that the server puts on each writer's fields. `took`: how long it was
 * asked. `skew`: by how much the clocks of two API servers may differ.
 *
 * Only stamps of servers are compared, never a client's clock. Undefined where the server tells too little.
 */
export function ageOf(
  fields: readonly ManagedFields[] | undefined,
  date: string | undefined,
  took: number,
  skew: number,
): { readonly holders: number; readonly record: number } | undefined {
  const answered = Date.parse(date ?? '')
  if (fields === undefined || fields.length === 0 || Number.isNaN(answered) || skew === Number.POSITIVE_INFINITY)
    return undefined
  const stamps = fields.map(({ time, fieldsV1 = {} }) => ({
    at: time instanceof Date ? time.getTime() : Date.parse(time ?? ''),
    isHolder: 'f:spec' in fieldsV1,
  }))
  if (stamps.some(({ at }) => Number.isNaN(at)) || !stamps.some(({ isHolder }) => isHolder)) return undefined
  const since = (some: readonly { readonly at: number }[]): number =>
    Math.max(0, answered - Math.max(...some.map(({ at }) => at)) - GRAIN - skew - took)
  return { holders: since(stamps.filter(({ isHolder }) => isHolder)), record: since(stamps) }
}
