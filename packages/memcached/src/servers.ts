import { createHash } from 'node:crypto'
import type { MemjsServer } from './client.ts'
import { Connection } from './connection.ts'

/** Each lock lives on one of them, the same for all clients that know the same servers, in whatever order. */
export class Servers {
  readonly all: readonly Connection[]

  constructor(servers: readonly MemjsServer[]) {
    this.all = servers.map((server) => new Connection(server))
  }

  /** By the highest hash of server and key: one more server takes over its share, and no other lock moves. */
  of(key: string): Connection {
    const [first, ...others] = this.all as readonly [Connection, ...Connection[]]
    if (others.length === 0) return first
    const weight = ({ name }: Connection): string => createHash('sha256').update(`${name} ${key}`).digest('hex')
    return others.reduce((best, server) => (weight(server) > weight(best) ? server : best), first)
  }

  close(): void {
    for (const connection of this.all) connection.close()
  }
}
