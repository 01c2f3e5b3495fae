import { connect, type Socket } from 'node:net'

export type Reply = string | number | null | Error | readonly Reply[]

export interface Address {
  readonly host: string
  readonly port: number
}

/** A connection to Redis that knows nothing but the wire (RESP2), for looking at a server past all client libraries. */
export class RespConnection {
  /** Resolves when the connection has ended, in whichever way. */
  readonly closed: Promise<void>
  readonly #socket: Socket
  readonly #waiting: PromiseWithResolvers<Reply>[] = []
  #received = Buffer.alloc(0)
  #failure: Error = new Error('the connection was closed')
  #isClosed = false

  constructor({ host, port }: Address) {
    this.#socket = connect({ host, port, noDelay: true })
    this.#socket.on('data', (bytes) => this.#receive(bytes))
    this.#socket.on('error', (error) => {
      this.#failure = error
    })
    this.closed = new Promise((resolve) => {
      this.#socket.once('close', () => {
        this.#isClosed = true
        for (const { reject } of this.#waiting.splice(0)) reject(this.#failure)
        resolve()
      })
    })
  }

  /** Sends a command at once. Rejects when the server answers with an error or the connection breaks; never times out. */
  call(...args: readonly (string | number)[]): Promise<Reply> {
    if (this.#isClosed) return Promise.reject(this.#failure)
    const reply = Promise.withResolvers<Reply>()
    this.#waiting.push(reply)
    const words = args.map((arg) => `$${Buffer.byteLength(`${arg}`)}\r\n${arg}\r\n`)
    this.#socket.write(`*${args.length}\r\n${words.join('')}`)
    return reply.promise
  }

  close(): void {
    this.#socket.destroy()
  }

  #receive(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes])
    for (;;) {
      const parsed = parse(this.#received, 0)
      if (parsed === null) return
      this.#received = this.#received.subarray(parsed.end)
      const waiting = this.#waiting.shift()
      if (parsed.reply instanceof Error) waiting?.reject(parsed.reply)
      else waiting?.resolve(parsed.reply)
    }
  }
}

/** One command on a connection of its own. Rejects after `timeout` milliseconds without a reply. */
export async function respCommand(
  address: Address,
  args: readonly (string | number)[],
  timeout = 5_000,
): Promise<Reply> {
  const connection = new RespConnection(address)
  const timer = setTimeout(() => connection.close(), timeout)
  try {
    return await connection.call(...args)
  } finally {
    clearTimeout(timer)
    connection.close()
  }
}

/** The reply that begins at `start` and where it ends, or null while some of it is missing. */
function parse(bytes: Buffer, start: number): { readonly reply: Reply; readonly end: number } | null {
  const lineEnd = bytes.indexOf('\r\n', start)
  if (lineEnd === -1) return null
  const line = bytes.toString('utf8', start + 1, lineEnd)
  const next = lineEnd + 2
  switch (String.fromCharCode(bytes[start] ?? 0)) {
    case '+':
      return { reply: line, end: next }
    case '-':
      return { reply: new Error(line), end: next }
    case ':':
      return { reply: Number(line), end: next }
    case '$': {
      const end = next + Number(line)
      if (line === '-1') return { reply: null, end: next }
      return bytes.length < end + 2 ? null : { reply: bytes.toString('utf8', next, end), end: end + 2 }
    }
    case '*':
      return line === '-1' ? { reply: null, end: next } : parseAll(bytes, next, Number(line))
    default:
      throw new Error(`not RESP2: ${line}`)
  }
}

function parseAll(bytes: Buffer, start: number, count: number): { readonly reply: Reply; readonly end: number } | null {
  const reply: Reply[] = []
  let end = start
  while (reply.length < count) {
    const item = parse(bytes, end)
    if (item === null) return null
    reply.push(item.reply)
    end = item.end
  }
  return { reply, end }
}
