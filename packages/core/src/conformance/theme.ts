import type { LeaseMode } from '../backend.ts'
import type { Stage } from './stage.ts'
import type { ConformanceTarget, Fault } from './target.ts'

/** One requirement of the kit, for any target that has what it needs. */
export interface CaseDefinition {
  readonly title: string
  /** What the target must declare or offer. Default: nothing. */
  readonly needs?: readonly Need[]
  body(stage: Stage): Promise<void>
}

export interface Theme {
  readonly name: string
  readonly cases: readonly CaseDefinition[]
}

export type Need = (target: ConformanceTarget) => boolean

export const theme = (name: string, cases: readonly CaseDefinition[]): Theme => ({ name, cases })

export const not =
  (need: Need): Need =>
  (target) =>
    !need(target)

export const mode =
  (wanted: LeaseMode): Need =>
  ({ capabilities }) =>
    capabilities.modes.includes(wanted)

export const fault =
  (...wanted: readonly Fault[]): Need =>
  ({ faults }) =>
    wanted.every((name) => faults?.[name] !== undefined)

export const queue: Need = ({ capabilities }) => capabilities.queue === 'fifo'
export const push: Need = ({ capabilities }) => capabilities.wakeup === 'push'
export const list: Need = ({ capabilities }) => capabilities.list
export const infinite: Need = ({ capabilities }) => capabilities.ttl.infinite
/** Expiry is judged by a clock that all contenders share, not by watching. */
export const sharedClock: Need = ({ capabilities }) => capabilities.guarantee.expiry === 'shared clock'
