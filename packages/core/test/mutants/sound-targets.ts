import type { ConformanceTarget } from '../../src/conformance/index.ts'
import { faultyClients, type StoreTraits } from '../faulty-store.ts'
import { ForgetfulBackend, ForgetfulServer } from '../forgetful-server.ts'
import { NativeBackend } from '../native-backend.ts'
import { NativeServer } from '../native-server.ts'
import { Network } from '../network.ts'

/** Settings of all targets here: what runs out does so soon. */
export const quick: Pick<ConformanceTarget, 'ttl' | 'latency'> = { ttl: 200, latency: 1 }

/** Memory behind a network. */
function record(name: string, traits: Partial<StoreTraits> = {}): ConformanceTarget {
  const faults = new Network()
  const connect = faultyClients(faults, traits)
  return { name, capabilities: connect().capabilities, connect, faults, ...quick }
}

function native(): ConformanceTarget {
  const network = new Network()
  const server = new NativeServer(network)
  const faults = Object.assign(network, { restart: () => network.disconnect() })
  const connect = (): NativeBackend => new NativeBackend(server)
  return { name: 'native', capabilities: NativeBackend.capabilities, connect, faults, ...quick }
}

function forgetful(): ConformanceTarget {
  const network = new Network()
  const server = new ForgetfulServer(network)
  const connect = (): NativeBackend => new ForgetfulBackend(server)
  return { name: 'forgetful', capabilities: ForgetfulBackend.capabilities, connect, faults: network, ...quick }
}

/** Backends that keep all promises, on the code of this very folder. */
export const soundTargets = {
  memory: () => record('memory'),
  clockless: () => record('clockless', { clock: 'none' }),
  polling: () => record('polling', { clock: 'remote', watch: false, queue: 'none', idleRecords: 'keep' }),
  native,
  forgetful,
} as const satisfies Record<string, () => ConformanceTarget>

export type SoundTarget = keyof typeof soundTargets
