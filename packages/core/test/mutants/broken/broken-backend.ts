import { wrapped } from '../../../src/conformance/expect.ts'
import type { ConformanceTarget } from '../../../src/conformance/index.ts'
import type { LockBackend } from '../../../src/index.ts'
import { NativeBackend } from '../../native-backend.ts'
import { NativeServer } from '../../native-server.ts'
import { Network } from '../../network.ts'
import type { Flaw } from '../flaw.ts'
import { quick, type SoundTarget } from '../sound-targets.ts'

/** A server that can be restarted, and cut off: what it holds outlives that. */
export class Server extends NativeServer {
  restart(): void {}
  /** All connections are cut. */
  disconnected(): void {}
}

export type Damage<Broken extends Server> = (backend: LockBackend, server: Broken) => Partial<LockBackend>

/** A backend with one rule broken. */
export interface BrokenBackend extends Flaw {
  /** The target that keeps all promises, for the case that must catch it. Default: `unbroken`. */
  readonly sound?: SoundTarget
  target(): ConformanceTarget
}

/** The target of a server, of which each client is damaged. */
export function nativeTarget<Broken extends Server>(
  makeServer: new (network: Network) => Broken,
  damage?: Damage<Broken>,
): ConformanceTarget {
  const network = new Network()
  const server = new makeServer(network)
  const inner = new Map<LockBackend, LockBackend>()
  const isolate = network.isolate.bind(network)
  const disconnect = network.disconnect.bind(network)
  const faults = Object.assign(network, {
    restart: () => {
      server.restart()
      disconnect()
    },
    disconnect: () => {
      server.disconnected()
      disconnect()
    },
    isolate: (client: LockBackend) => isolate(inner.get(client) ?? client),
  })
  const connect = (): LockBackend => {
    const backend = new NativeBackend(server)
    if (damage === undefined) return backend
    const damaged = wrapped(backend, damage(backend, server))
    inner.set(damaged, backend)
    return damaged
  }
  return { name: 'broken', capabilities: connect().capabilities, connect, faults, ...quick }
}

/** The server breaks a rule. */
export const server = (
  flaw: string,
  caughtBy: string,
  makeServer: new (network: Network) => Server,
): BrokenBackend => ({ flaw, caughtBy, target: () => nativeTarget(makeServer) })

/** The client breaks a rule. */
export const client = (flaw: string, caughtBy: string, damage: Damage<Server>): BrokenBackend => ({
  flaw,
  caughtBy,
  target: () => nativeTarget(Server, damage),
})
