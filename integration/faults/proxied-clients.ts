import type { Address } from '../servers/resp.ts'
import { type FaultyProxy, startProxy } from './proxy.ts'

/** The faults of a conformance target that can be made between a client and its server. */
export interface NetworkFaults<Client> {
  pause(): void
  loseReplies(): void
  delayRequests(least: number, most: number): void
  isolate(client: Client): void
  resume(): Promise<void>
  disconnect(): void
}

/**
 * Clients of one server, or of several, each with proxies of its own in between, so that a fault can be made for one or all:
 *
 *     const clients = new ProxiedClients<LockBackend>(server)
 *     const target = { connect: async () => {
 *       const proxy = await clients.connectThrough()
 *       return clients.bind(backend(new Client(proxy.port, proxy.host)), proxy)
 *     }, faults: clients.faults }
 */
export class ProxiedClients<Client extends object> {
  /** All at once but `isolate`. A client that comes while they last has them, too. */
  readonly faults: NetworkFaults<Client> = {
    pause: () => this.#begin((proxy) => proxy.pause()),
    loseReplies: () => this.#begin((proxy) => proxy.loseReplies()),
    delayRequests: (least, most) => this.#begin((proxy) => proxy.delay(least, most)),
    isolate: (client) => {
      for (const proxy of this.proxiesOf(client)) proxy.pause()
    },
    resume: async () => {
      this.#lasting.length = 0
      await Promise.all([...this.#proxies].map((proxy) => proxy.resume()))
    },
    disconnect: () => {
      for (const proxy of this.#proxies) proxy.cut()
    },
  }
  readonly #target: Address
  readonly #proxies = new Set<FaultyProxy>()
  readonly #bound = new Map<Client, readonly FaultyProxy[]>()
  readonly #lasting: ((proxy: FaultyProxy) => void)[] = []

  /** `target`: where clients are led unless `connectThrough` is told otherwise. */
  constructor(target: Address) {
    this.#target = target
  }

  /** A new proxy, for one client. */
  async connectThrough(target: Address = this.#target): Promise<FaultyProxy> {
    const proxy = await startProxy(target)
    this.#proxies.add(proxy)
    for (const begin of this.#lasting) begin(proxy)
    return proxy
  }

  /** Notes which proxies a client goes through, and returns the client. */
  bind(client: Client, ...proxies: readonly FaultyProxy[]): Client {
    this.#bound.set(client, proxies)
    return client
  }

  /** Throws a TypeError for a client that was not bound. */
  proxiesOf(client: Client): readonly FaultyProxy[] {
    const proxies = this.#bound.get(client)
    if (proxies === undefined) throw new TypeError('this client was not bound to a proxy')
    return proxies
  }

  /** Closes the proxies of a client that is not needed any more. */
  release(client: Client): void {
    for (const proxy of this.proxiesOf(client)) this.#close(proxy)
    this.#bound.delete(client)
  }

  /** Closes all proxies. */
  close(): void {
    for (const proxy of this.#proxies) this.#close(proxy)
    this.#bound.clear()
  }

  #begin(fault: (proxy: FaultyProxy) => void): void {
    this.#lasting.push(fault)
    for (const proxy of this.#proxies) fault(proxy)
  }

  #close(proxy: FaultyProxy): void {
    this.#proxies.delete(proxy)
    proxy.close()
  }
}
