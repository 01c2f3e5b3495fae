/** Sends one command. */
export type Send = (command: string, args: readonly string[]) => Promise<unknown>

/** What the backend needs of a Redis client, whichever library it is from. */
export interface Connection {
  /** The server, without secrets: `127.0.0.1:6379`. */
  readonly location: string
  /** Whether one server has all keys, in one slot: not a Cluster. */
  readonly single: boolean
  /** What the client itself puts before each key. */
  readonly keyPrefix: string
  /** What its user wants before each key though the client leaves it out of what is sent here. Default: nothing. */
  readonly missingPrefix?: string
  /** Sends one command to the server that has `key`. */
  send(key: string, command: string, args: readonly string[]): Promise<unknown>
  /** Tells apart the servers of a Cluster by a name for the one that has `key`; always the same where there is but one. */
  serverOf(key: string): string
  /**
   * What requests go over now. If that is another one when a reply has come, the client may have sent the request twice.
   * Undefined: it can't be told. Always the same: it never does.
   */
  line(): unknown
  /** A way to each master, for what concerns all keys. */
  masters(): Promise<readonly Send[]>
  /** Subscribes over a connection of its own. `gap` is called when messages may have been lost. */
  subscribe(channel: string, heard: (message: string) => void, gap: () => void): Subscription
  /** Closes what was opened here: never a client that the user gave. */
  close(): void
}

export interface Subscription {
  /** Resolves when messages are heard from then on. Rejects if the server refuses. */
  readonly ready: Promise<unknown>
  /** Sees whether the connection still answers; one that doesn't is replaced, and `gap` called. */
  probe(): void
  close(): void
}
