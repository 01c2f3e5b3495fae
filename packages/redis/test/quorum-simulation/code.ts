import type { Runtime } from '@locks/core'
import type { Connection } from '../../src/client/connection.ts'
import type { Node } from '../../src/quorum/node.ts'
import type { Quorum } from '../../src/quorum/quorum.ts'
import type { RedisQuorumBackend } from '../../src/quorum/quorum-backend.ts'
import { type Script, script } from '../../src/script.ts'

/** What is simulated: the code that ships, or a copy of it with a flaw. */
export interface Code {
  readonly Node: new (connection: Connection, prefix: string, runtime: Runtime) => Node
  readonly Quorum: new (nodes: readonly Node[], nodeTimeout: number, runtime: Runtime) => Quorum
  readonly RedisQuorumBackend: new (quorum: Quorum) => RedisQuorumBackend
  readonly PROPOSE: Script
  readonly CONFIRM: Script
  readonly UNDO: Script
  readonly VIEW: Script
  readonly LOOK: Script
  readonly JOIN: Script
  readonly RAISE: Script
  readonly CLOCK: Script
  readonly RENEW: Script
  readonly RELEASE: Script
  readonly CANCEL: Script
}

/** Loads it from a folder like `src/`. */
export async function load(folder: URL): Promise<Code> {
  const from = async (file: string): Promise<Record<string, never>> => await import(new URL(file, folder).href)
  const [node, quorum, backend, scripts, votes] = await Promise.all(
    ['node', 'quorum', 'quorum-backend', 'scripts', 'votes'].map((name) => from(`quorum/${name}.ts`)),
  )
  const [inspect, renew, release] = await Promise.all(
    ['inspect', 'renew', 'release'].map((name) => from(`scripts/${name}.ts`)),
  )
  const texts = { ...inspect, ...renew, ...release } as unknown as Record<
    'CLOCK' | 'RENEW' | 'RELEASE' | 'CANCEL',
    string
  >
  const { CLOCK, RENEW, RELEASE, CANCEL } = texts
  return {
    ...node,
    ...quorum,
    ...backend,
    ...scripts,
    ...votes,
    CLOCK: script(CLOCK),
    RENEW: script(RENEW),
    RELEASE: script(RELEASE),
    CANCEL: script(CANCEL),
  } as unknown as Code
}
