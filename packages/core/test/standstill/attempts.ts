/**
 * Runs a case of the kit that fails, in a process of its own: `node attempts.ts bound|exclusion ATTEMPTS`. `bound`: so many
 * attempts fail, as for a bound that was missed; `exclusion`: more hold than may. Prints a line when an attempt begins, and
 * a last one with what came of it. An attempt goes on once a line has come in.
 */
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type ConformanceTarget, conformanceCases } from '../../src/conformance/index.ts'
import { NativeBackend } from '../native-backend.ts'
import { NativeServer } from '../native-server.ts'
import { Network } from '../network.ts'

const [kind, failing] = process.argv.slice(2)
const input = createInterface(process.stdin)
const server = new NativeServer(new Network())
let attempts = 0
/** Each attempt of this case connects twice. */
let connected = 0

const target: ConformanceTarget = {
  name: 'mine',
  capabilities: NativeBackend.capabilities,
  async connect() {
    connected += 1
    if (connected % 2 === 0) return new NativeBackend(kind === 'exclusion' ? new NativeServer(new Network()) : server)
    attempts += 1
    const goesOn = once(input, 'line')
    console.log(`attempt ${attempts}`)
    await goesOn
    if (kind === 'exclusion' || attempts > Number(failing)) return new NativeBackend(server)
    connected += 1
    throw new Error('too late')
  },
}

const name = 'exclusion: two contenders never hold at once'
const found = conformanceCases(target).find((one) => one.name === name)
const outcome = await found?.run().then(
  () => 'passed',
  (error: Error) => `failed: ${error.message}`,
)
console.log(outcome)
process.exit(0)
