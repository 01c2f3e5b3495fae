import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'

/**
 * The network between the members of a cluster, which can be parted: each member sends what it has for the others through an
 * HTTP proxy of its own here. Go's client takes no proxy to a loopback address, but one to 0.0.0.0 it does.
 */
export class EtcdPeers {
  readonly #proxies = new Map<number, Server>()
  readonly #open = new Set<{ readonly from: number; readonly to: number; readonly end: () => void }>()
  readonly #apart = new Set<number>()

  /** How a peer's address reads. */
  static url(peerPort: number): string {
    return `http://0.0.0.0:${peerPort}`
  }

  /** The environment in which the member of this peer port has to run. */
  async environmentOf(peerPort: number): Promise<Readonly<Record<string, string>>> {
    const proxy = createServer((asked, answer) => this.#pass(peerPort, asked, answer))
    this.#proxies.set(peerPort, proxy)
    await new Promise<void>((resolve) => proxy.listen({ host: '127.0.0.1', port: 0 }, resolve))
    proxy.unref()
    const address = proxy.address()
    if (address === null || typeof address === 'string') throw new Error('it does not listen')
    return { HTTP_PROXY: `http://127.0.0.1:${address.port}` }
  }

  /** Parts a member from all others. Its clients reach it as before. */
  isolate(peerPort: number): void {
    this.#apart.add(peerPort)
    for (const one of [...this.#open]) if (this.#isCut(one.from, one.to)) one.end()
  }

  /** Ends that for all. */
  heal(): void {
    this.#apart.clear()
  }

  close(): void {
    for (const one of [...this.#open]) one.end()
    for (const proxy of this.#proxies.values()) {
      proxy.close()
      proxy.closeAllConnections()
    }
  }

  #isCut(from: number, to: number): boolean {
    return this.#apart.has(from) || this.#apart.has(to)
  }

  #pass(from: number, asked: IncomingMessage, answer: ServerResponse): void {
    const url = new URL(asked.url ?? '')
    const to = Number(url.port)
    if (this.#isCut(from, to)) {
      asked.socket.destroy()
      return
    }
    const { method, headers } = asked
    const path = `${url.pathname}${url.search}`
    const passed = request({ host: '127.0.0.1', port: to, method, path, headers, agent: false })
    const end = (): void => {
      this.#open.delete(one)
      passed.destroy()
      answer.destroy()
      asked.socket.destroy()
    }
    const one = { from, to, end }
    this.#open.add(one)
    passed.once('response', (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers)
      answer.flushHeaders()
      reply.pipe(answer)
      reply.once('close', () => this.#open.delete(one))
      reply.once('error', end)
    })
    passed.once('error', end)
    answer.once('error', end)
    answer.once('close', () => passed.destroy())
    asked.once('error', end)
    asked.pipe(passed)
  }
}
