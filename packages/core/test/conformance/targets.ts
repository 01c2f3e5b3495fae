import { describe, test } from 'vitest'
import { type ConformanceTarget, conformanceCases } from '../../src/conformance/index.ts'
import { faultyClients, type StoreTraits } from '../faulty-store.ts'
import { NativeBackend } from '../native-backend.ts'
import { NativeServer } from '../native-server.ts'
import { Network } from '../network.ts'

/** Memory behind a network. */
export function recordTarget(name: string, traits: Partial<StoreTraits> = {}): ConformanceTarget {
  const faults = new Network()
  const connect = faultyClients(faults, traits)
  const { capabilities } = connect()
  return { name, capabilities, connect, faults, latency: 5 }
}

export function nativeTarget(): ConformanceTarget {
  const network = new Network()
  const server = new NativeServer(network)
  // Its memory outlives the process that it stands for.
  const faults = Object.assign(network, { restart: () => network.disconnect() })
  const connect = (): NativeBackend => new NativeBackend(server)
  return { name: 'native', capabilities: NativeBackend.capabilities, connect, faults, latency: 5 }
}

/** Files of their own for the targets let the cases of several of them run at the same time. */
export function testTarget(target: ConformanceTarget): void {
  describe(target.name, () => {
    for (const { name, run, timeout } of conformanceCases(target)) test(name, run, timeout)
  })
}
