import type { HolderState, LockState } from '@locks/core'
import type { Session } from './session.ts'

/** Fencing tokens as strings (they exceed what a JSON number holds), durations in milliseconds, null for "no end". */
export interface HolderJson {
  readonly owner: string
  readonly mode: HolderState['mode']
  readonly fencingToken: string
  readonly remaining: number | null
  /** Null where the backend can't tell. */
  readonly age: number | null
  readonly metadata: string
}

export interface LockJson {
  readonly name: string
  readonly held: boolean
  readonly holders: readonly HolderJson[]
  readonly waiters: number
}

const milliseconds = (value: number | undefined): number | null =>
  value === undefined || value === Number.POSITIVE_INFINITY ? null : Math.round(value)

export const stateJson = (name: string, { holders, waiters }: LockState): LockJson => ({
  name,
  held: holders.length > 0,
  holders: holders.map(({ owner, mode, fencingToken, remaining, age, metadata }) => ({
    owner,
    mode,
    fencingToken: String(fencingToken),
    remaining: milliseconds(remaining),
    age: milliseconds(age),
    metadata,
  })),
  waiters,
})

/** Where the locks are. */
export interface WhereJson {
  readonly backend: string
  readonly location: string
  readonly namespace: string
}

export const whereJson = ({ backend, namespace }: Session): WhereJson => ({
  backend: backend.name,
  location: backend.location,
  namespace,
})
