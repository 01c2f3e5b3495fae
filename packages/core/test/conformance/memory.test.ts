import { RoughNetwork } from '../../src/conformance/index.ts'
import { systemRuntime } from '../../src/index.ts'
import { MemoryStore } from '../../src/memory-backend.ts'
import { testTarget } from './targets.ts'

const memory = new MemoryStore(systemRuntime)
const network = new RoughNetwork(() => memory)
const { capabilities } = network.connect()

testTarget({
  name: 'memory',
  capabilities,
  connect: () => network.connect(),
  faults: { ...network.faults, restart: () => network.reopen() },
  latency: 5,
})
