/** A span in milliseconds from which a delay is drawn. */
export interface Delay {
  readonly least: number
  readonly most: number
}

/** What a proxy does to the bytes that pass it. Its connections look here each time. */
export interface ProxyMode {
  /** Nothing passes; what comes is kept. */
  isPaused: boolean
  /** What comes from the server vanishes. */
  losesReplies: boolean
  /** What comes from either side vanishes, the news that it closed included. */
  losesAll: boolean
  requestDelay: Delay | null
  replyDelay: Delay | null
  /** Of each direction of each connection. */
  bytesPerSecond: number
}

export function plainMode(): ProxyMode {
  return {
    isPaused: false,
    losesReplies: false,
    losesAll: false,
    requestDelay: null,
    replyDelay: null,
    bytesPerSecond: Number.POSITIVE_INFINITY,
  }
}
