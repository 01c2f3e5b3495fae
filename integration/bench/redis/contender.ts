/** What a lock gives to whoever took it. */
export interface Held {
  release(): Promise<unknown>
  readonly fencingToken?: bigint
}

/** Waits for the lock as long as it takes. */
export type Take = () => Promise<Held>

/** Makes what one task takes the lock of `key` with. */
export type Taker = (key: string) => Take

/** How a library is set up. Undefined: as its documentation does it. */
export interface Setting {
  /** Milliseconds between two attempts. */
  readonly delay?: number
  /** Commands of one turn of the event loop share a write. */
  readonly autoPipelining?: boolean
  readonly fair?: 'strict' | false
}

/** A library in one setting. */
export interface Subject {
  readonly name: string
  readonly setting: Setting
}

/** Milliseconds for which every contender's lock lives without a renewal. */
export const TTL = 30_000

export function label({ name, setting }: Subject): string {
  const { delay, autoPipelining, fair } = setting
  const parts = [
    ...(delay === undefined ? [] : [`every ${delay} ms`]),
    ...(autoPipelining === true ? ['auto-pipelining'] : []),
    ...(fair === undefined ? [] : [`fair: ${fair}`]),
  ]
  return parts.length === 0 ? name : `${name} (${parts.join(', ')})`
}

/** Of each library the setting that scored highest, in the order of the libraries. */
export function bestSettings(subjects: Iterable<Subject>, score: (subject: Subject) => number): Subject[] {
  const best = new Map<string, Subject>()
  for (const subject of subjects) {
    const other = best.get(subject.name)
    if (other === undefined || score(subject) > score(other)) best.set(subject.name, subject)
  }
  return [...best.values()]
}
