import type { LeaseMode } from '../index.ts'
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

/** What a case needs of its target. */
export interface Need {
  /** What it is, in a few words: `the fault "pause"`. */
  readonly what: string
  /** Whether the target's author could offer it; else the backend declares that it has it, or not. */
  readonly optional: boolean
  met(target: ConformanceTarget): boolean
}

export const theme = (name: string, cases: readonly CaseDefinition[]): Theme => ({ name, cases })

export const declared = (what: string, met: Need['met']): Need => ({ what, optional: false, met })
export const offered = (what: string, met: Need['met']): Need => ({ what, optional: true, met })

export const not = ({ what, optional, met }: Need): Need => ({
  what: `no ${what}`,
  optional,
  met: (target) => !met(target),
})

export const mode = (wanted: LeaseMode): Need =>
  declared(`mode "${wanted}"`, ({ capabilities }) => capabilities.modes.includes(wanted))

export const fault = (...wanted: readonly Fault[]): Need =>
  offered(wanted.map((name) => `the fault "${name}"`).join(' and '), ({ faults }) =>
    wanted.every((name) => faults?.[name] !== undefined),
  )

export const queue: Need = declared('queue', ({ capabilities }) => capabilities.queue === 'fifo')
export const push: Need = declared('wakeup by push', ({ capabilities }) => capabilities.wakeup === 'push')
export const list: Need = declared('list', ({ capabilities }) => capabilities.list)
export const infinite: Need = declared('permanent holds', ({ capabilities }) => capabilities.ttl.infinite)
/** Expiry is judged by a clock that all contenders share, not by watching. */
export const sharedClock: Need = declared(
  'a shared clock',
  ({ capabilities }) => capabilities.guarantee.expiry === 'shared clock',
)
/** An acquire that arrives after it was given up has no effect. */
export const lateRefused: Need = declared(
  'late requests refused',
  ({ capabilities }) => capabilities.guarantee.lateRequests === 'refused',
)
/** Several processes can contend, as far as the backend goes. */
export const shareable: Need = declared(
  'other processes',
  ({ capabilities }) => capabilities.guarantee.scope !== 'process',
)
/** The target can be had in other processes as well. */
export const processes: Need = offered('the module of the target', ({ module }) => module !== undefined)
