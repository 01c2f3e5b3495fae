import { LockBackendError } from '@locks/core'
import { type Memjs, type MemjsResponse, type MemjsServer, nameOf } from './client.ts'
import { type Keeping, secondsFor } from './lifetime.ts'
import { Line } from './line.ts'
import { packet } from './packet.ts'

/** Operations of the binary protocol. */
export const GET = 0x00
export const ADD = 0x02
/** Not SET, which removes what is there when there is no room for what it brings, whatever version it is told. */
export const REPLACE = 0x03
export const DELETE = 0x04

/** What the server answers, as far as it is expected. */
export const OK = 0
export const MISSING = 1
export const EXISTS = 2
const NOT_STORED = 5

const MEANINGS: ReadonlyMap<number, string> = new Map([
  [0x03, 'the record is too large for it (item size, -I)'],
  [0x04, 'it calls the request invalid'],
  [0x20, 'it wants a user name and password, or others'],
  [0x21, 'it wants more of an authentication than memjs does'],
  [0x81, 'it does not know the command: is it a proxy, or was the binary protocol switched off?'],
  [0x82, 'it is out of memory, and evicts nothing (-M)'],
])

/** What memjs says itself where the server does not let it in. */
const REFUSED = /authentication failed/i
const INSTALL = 'npm i memjs'

export interface Question {
  /** What is to be stored, and how. */
  readonly value?: string
  readonly keeping?: Keeping
  /** Only if the item has this version. */
  readonly cas?: bigint
  /** Over no other line than that over which the version was read. */
  readonly line?: Line
}

export interface Answer {
  readonly status: number
  readonly cas: bigint
  readonly value: string
  /** The item's flags. */
  readonly flags: number
  readonly line: Line
  /** Of the server's process: see `Proof`. */
  readonly epoch: bigint
}

let library: Memjs | undefined

async function load(): Promise<void> {
  try {
    const loaded = (await import('memjs')) as unknown as Memjs & { readonly default?: Memjs }
    library = loaded.Client === undefined && loaded.default !== undefined ? loaded.default : loaded
  } catch (cause) {
    throw new LockBackendError(`memcached: memjs does not load: ${INSTALL}`, { cause })
  }
}

/** One server. After any failure it is connected to anew. */
export class Connection {
  readonly name: string
  readonly #server: MemjsServer
  #line: Line | undefined
  #closed = false

  constructor(server: MemjsServer) {
    this.#server = server
    this.name = nameOf(server)
  }

  /**
   * Rejects with what the server says if it is none of the expected answers, or without one in `timeout` milliseconds. Nothing
   * but a LockBackendError is worth no further attempt.
   */
  async ask(opcode: number, key: string, question: Question, timeout: number): Promise<Answer> {
    const { value = '', keeping, cas = 0n, line: only } = question
    const started = performance.now()
    const rest = (): number => Math.max(1, timeout - (performance.now() - started))
    try {
      if (library === undefined) await load()
      const line = only ?? this.#open()
      let { seen } = line
      while (seen === undefined) {
        await line.prove(rest())
        seen = line.seen
      }
      const { epoch, time } = seen
      const content = keeping && { value, flags: keeping.flags, seconds: secondsFor(keeping.keepFor, time) }
      const {
        header,
        val,
        extras: more,
      } = await line.exchange<MemjsResponse>((client, done) => {
        client.incrSeq()
        const seq = client.seq >>> 0
        // One attempt: an operation that is sent again may find its own effect.
        client.perform(key, packet(opcode, key, seq, cas, content), seq, done, 1)
      }, rest())
      const status = statusOf(header.status, val)
      const flags = more.length >= 4 ? more.readUInt32BE() : 0
      return { status, cas: header.cas.readBigUInt64BE(), value: val.toString(), flags, line, epoch }
    } catch (thrown) {
      throw this.#error(thrown)
    }
  }

  /** The server's own figures, or those of a kind (`settings`). */
  async stats(kind: string, timeout: number): Promise<Readonly<Record<string, string>>> {
    try {
      if (library === undefined) await load()
      return await this.#open().stats(kind, timeout)
    } catch (thrown) {
      throw this.#error(thrown)
    }
  }

  #open(): Line {
    if (this.#closed) throw new Error('closed')
    if (this.#line?.isOpen !== true) this.#line = new Line(library as Memjs, this.#server)
    return this.#line
  }

  #error(thrown: unknown): unknown {
    if (thrown instanceof LockBackendError) return thrown
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    return new Error(`memcached ${this.name}: ${REFUSED.test(message) ? MEANINGS.get(0x20) : message}`, {
      cause: thrown,
    })
  }

  close(): void {
    this.#closed = true
    this.#line?.close()
  }
}

function statusOf(status: number, text: Buffer): number {
  if (status === NOT_STORED) return EXISTS
  if (status === OK || status === MISSING || status === EXISTS) return status
  const meaning = MEANINGS.get(status) ?? `it answers with status 0x${status.toString(16)}`
  throw new Error(`${meaning} (${text.toString().slice(0, 100)})`)
}
