/** What is used of memjs, by shape. */

export interface MemjsResponse {
  readonly header: { readonly status: number; readonly opcode: number; readonly cas: Buffer }
  readonly extras: Buffer
  readonly key: Buffer
  readonly val: Buffer
}

export interface MemjsServer {
  readonly host: string
  readonly port: number
  readonly username?: string | undefined
  readonly password?: string | undefined
}

/** A `Client` of memjs. */
export interface MemjsClient {
  readonly servers: readonly MemjsServer[]
  readonly seq: number
  incrSeq(): void
  perform(
    key: string,
    request: Buffer,
    seq: number,
    callback: (error: Error | null, response: MemjsResponse) => void,
    retries?: number,
  ): void
  statsWithKey(
    key: string,
    callback: (error: Error | null, server: string, stats: Readonly<Record<string, string>>) => void,
  ): void
  close(): void
}

export interface MemjsOptions {
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly retries: number
  readonly failover: boolean
  readonly timeout: number
  readonly conntimeout: number
  readonly logger: { log(text: string): void }
}

export interface Memjs {
  readonly Client: new (servers: readonly MemjsServer[], options: MemjsOptions) => MemjsClient
  readonly Server: new (
    host: string,
    port: number,
    username: string | undefined,
    password: string | undefined,
    options: MemjsOptions,
  ) => MemjsServer
}

/** What a server is called, in messages and where locks are shared out among several. */
export const nameOf = ({ host, port }: Pick<MemjsServer, 'host' | 'port'>): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`
