import type { LeaseJSON, LeaseMode } from '../../index.ts'

/** How a lock is to be used: what is JSON of its options. */
export interface Usage {
  readonly namespace: string
  readonly name: string
  readonly ttl: number
  readonly timeout: number
  readonly requestTimeout: number
  readonly retryInterval?: number | undefined
  readonly autoRenew?: boolean | undefined
}

/** Taking and giving back without end. */
export interface Contention extends Usage {
  /** Each time one of these. */
  readonly modes: readonly LeaseMode[]
  readonly permits: number
  readonly tasks: number
  /** Milliseconds for which a lease is kept at most. */
  readonly hold: number
  readonly seed: number
}

export interface Commands {
  /** Begins it. */
  contend(contention: Contention): null
  /** Ends it, once everything is released. */
  rest(): null
  acquire(usage: Usage): string
  release(): boolean
  held(): boolean
  locked(usage: Usage): boolean
  detach(): LeaseJSON
  attach(json: LeaseJSON): string
  /** Closes the client. */
  close(): null
  /** Lets go of what the kit needs; what goes on then is the adapter's and core's own. Answers what keeps the process up. */
  leave(): readonly string[]
}

export type Command = { readonly [Do in keyof Commands]: readonly [Do, ...Parameters<Commands[Do]>] }[keyof Commands]

export interface Request {
  readonly id: number
  readonly command: Command
}

export interface Reply {
  /** That of the request, or READY. */
  readonly id: number
  readonly result?: unknown
  readonly error?: { readonly code: string | undefined; readonly message: string } | undefined
}

/** What a process notes about its leases, at once and even if it is killed in the next moment. Instants: `hostNow`. */
export type Note =
  | {
      readonly note: 'granted'
      readonly lease: number
      readonly who: string
      readonly mode: LeaseMode
      /** Decimal. */
      readonly fencingToken: string
      readonly at: number
      readonly until: number
    }
  /** Held, and from then on until then. */
  | { readonly note: 'held'; readonly lease: number; readonly until: number }
  | { readonly note: 'released' | 'lost'; readonly lease: number; readonly at: number }

/** Id of the reply that nobody asked for: the process has begun, or couldn't. */
export const READY: number = -1
/** The descriptor that notes are written to. */
export const NOTES: number = 3
