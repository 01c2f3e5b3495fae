import type { Capabilities, LockBackend } from '../index.ts'

/** What the kit is run against. */
export interface ConformanceTarget {
  /** What it is, for messages. */
  readonly name: string
  /**
   * What the backend declares. Decides which cases there are; each client must declare the same. Where something is
   * declared absent, a case checks that it is refused properly.
   */
  readonly capabilities: Capabilities
  /**
   * A new client of one and the same storage, which shares nothing else with the clients before it: what another process
   * would have. The kit closes it; closing must free all that was opened for it, and leave the storage to the others.
   */
  connect(): LockBackend | Promise<LockBackend>
  /**
   * The module that exports this very target as `target`: its `import.meta.url`, or a path. The kit imports it in processes
   * of its own, where `connect` must lead to the same storage. They inherit the environment: what is made up when the module
   * is loaded (a temporary folder, the port of a server that it starts) goes through a variable, `process.env.X ??= …`.
   * Default: none, and the cases with several processes are left out. `locks-conformance` knows it without being told.
   */
  readonly module?: string | URL | undefined
  /** A short ttl in milliseconds, for cases that wait for an expiry. Default: the backend's minimum, at least 300. */
  readonly ttl?: number | undefined
  /** How long one request usually takes, in milliseconds. Default 20. Widens the bounds in which something must happen. */
  readonly latency?: number | undefined
  /** The trouble that can be made. Default: none, and the cases that need it are left out. */
  readonly faults?: ConformanceFaults | undefined
  /**
   * Frees what the module made for the target: a folder, a server. For a test runner's last hook; `locks-conformance` calls
   * it at its end. Never called in the processes that the kit starts.
   */
  close?(): void | Promise<void>
}

export interface ConformanceOptions {
  /** What the cases that leave things to chance draw from: a whole number. Default: drawn anew each time. */
  readonly seed?: number | undefined
}

/**
 * Trouble on demand, each kind optional. It concerns all clients unless said otherwise. The cases run one after the other,
 * so it need not tell them apart.
 */
export interface ConformanceFaults {
  /**
   * From now on requests hang: neither answered nor refused. Those that are sent meanwhile may be carried out later, when
   * nobody waits for them any more, as by a server that was stopped and goes on.
   */
  pause?(): void | Promise<void>
  /**
   * From now on what changes the storage is carried out but not answered. Whether requests that only read are answered
   * is free.
   */
  loseReplies?(): void | Promise<void>
  /**
   * From now on each request arrives between `least` and `most` milliseconds later, at random. Those under way when this
   * ends still arrive that late, after others that were sent later (where the protocol allows).
   */
  delayRequests?(least: number, most: number): void | Promise<void>
  /** From now on the requests of this client (one that `connect` returned) hang, as by `pause`. */
  isolate?(client: LockBackend): void | Promise<void>
  /** Ends what the four above began. To be given if any of them is. Idempotent. */
  resume?(): void | Promise<void>
  /** Cuts all connections, once; clients may connect again at once. Requests under way may or may not be carried out. */
  disconnect?(): void | Promise<void>
  /** Stops the server and starts it again with what it had stored. Resolves when clients can connect again. */
  restart?(): void | Promise<void>
}

export type Fault = keyof ConformanceFaults

/** One requirement, ready to run under any test runner, or none. */
export interface ConformanceCase {
  /** The requirement, behind its theme: `exclusion: two contenders never hold at once`. */
  readonly name: string
  /**
   * Resolves if it is met; rejects with what was seen instead. A failure while the machine stood still for 100 ms or longer
   * says nothing about the backend: the case is run again, up to three times in all, and a warning of the process tells of
   * it. That more were seen to hold than may, or a fencing token that did not rise, is final.
   */
  run(): Promise<void>
  /** Milliseconds after which a runner should give up; `run` itself rejects a little earlier. */
  readonly timeout: number
}
