/**
 * Since when a Lease is as it is, by the stamps that the server puts on who wrote which field (`managedFields`).
 *
 * Servers before 1.25 (kubernetes pull request 110058) renew a stamp only if the writer's set of fields changes, not with
 * each new value. So each write goes under another name than the fields that it changes have: they change hands, and every
 * server stamps that.
 */
import type { LeaseObject, ManagedFields } from './client.ts'

/** Two of them may have what is written; then the third writes. */
const WRITERS: readonly string[] = ['locks-1', 'locks-2', 'locks-3']

/** The annotation with the record. */
export const RECORD = 'locks/record'

/** What the server's stamps say is at most this old: they are whole seconds, as is the date of its answers. */
const GRAIN = 1_000

type Fields = Readonly<Record<string, Readonly<Record<string, object>>>>

/** Each write of a holder changes this field. */
const writesHold = ({ fieldsV1 = {} }: ManagedFields): boolean =>
  'f:renewTime' in ((fieldsV1 as Fields)['f:spec'] ?? {})

/** Whoever takes it changes this one, too, and may change nothing else. */
const writesHolder = ({ fieldsV1 = {} }: ManagedFields): boolean =>
  'f:holderIdentity' in ((fieldsV1 as Fields)['f:spec'] ?? {})

/** Each write changes this one. */
const writesRecord = ({ fieldsV1 = {} }: ManagedFields): boolean =>
  `f:${RECORD}` in ((fieldsV1 as Fields)['f:metadata']?.['f:annotations'] ?? {})

/** The name under which to write next. */
export function writerOf({ metadata = {} }: LeaseObject): string {
  const taken = (metadata.managedFields ?? []).filter((entry) => writesHold(entry) || writesRecord(entry))
  return WRITERS.find((name) => taken.every(({ manager }) => manager !== name)) as string
}

/**
 * For how many milliseconds, before it was asked, no holder and nobody at all has written the Lease: the date of the server's
 * answer against its stamps. `took`: how long it was asked. `skew`: by how much the clocks of two API servers may differ.
 *
 * Only stamps of servers are compared, never a client's clock. Undefined where the server tells too little, or where it was
 * not this package that wrote.
 */
export function restOf(
  { metadata = {} }: LeaseObject,
  date: string | undefined,
  took: number,
  skew: number,
): { readonly holders: number; readonly record: number } | undefined {
  const fields = metadata.managedFields ?? []
  if (!fields.some(writesHold) || !fields.some(writesRecord)) return undefined
  const holds = fields.filter((entry) => writesHold(entry) || writesHolder(entry))
  const records = fields.filter(writesRecord)
  if (![...holds, ...records].every(({ manager = '' }) => WRITERS.includes(manager))) return undefined
  const answered = Date.parse(date ?? '')
  const since = (entries: readonly ManagedFields[]): number =>
    Math.max(0, answered - Math.max(...entries.map(stampOf)) - GRAIN - skew - took)
  const rest = { holders: since(holds), record: since(records) }
  return Number.isNaN(rest.holders + rest.record) ? undefined : rest
}

const stampOf = ({ time = '' }: ManagedFields): number => (time instanceof Date ? time.getTime() : Date.parse(time))
