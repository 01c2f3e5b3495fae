import { ask } from './ask.ts'
import { poll } from './poll.ts'
import type { ServerKind } from './server.ts'

interface Question {
  readonly text: string
  /** What the answer ends with. */
  readonly end: string
  readonly version: RegExp
}

const health: Question = { text: 'GET /health HTTP/1.0\r\n\r\n', end: '}', version: /"health":\s*"?(true)/ }
const questions: Readonly<Record<ServerKind, Question>> = {
  redis: { text: 'INFO server\r\n', end: '\r\n\r\n', version: /^redis_version:(\S+)/m },
  // Its redis_version is that of the Redis it is compatible with.
  valkey: { text: 'INFO server\r\n', end: '\r\n\r\n', version: /^valkey_version:(\S+)/m },
  memcached: { text: 'version\r\n', end: '\r\n', version: /^VERSION (\S+)/ },
  etcd: { text: 'GET /version HTTP/1.0\r\n\r\n', end: '}', version: /"etcdserver":\s*"([^"]+)"/ },
}

async function answerTo({ text, end, version }: Question, port: number): Promise<string> {
  const answer = await ask(port, text, end)
  const [, found] = version.exec(answer) ?? []
  if (found === undefined) throw new Error(`not what was expected: ${answer}`)
  return found
}

/** The version that a server on a port of this machine tells of itself; rejects if it is no such server, or not ready. */
export async function askVersion(kind: ServerKind, port: number): Promise<string> {
  // A member without a leader tells its version, but serves nothing yet.
  if (kind === 'etcd') await answerTo(health, port)
  return answerTo(questions[kind], port)
}

/** Asks until the server is ready; rejects with the last trouble after `within` milliseconds. */
export function awaitVersion(kind: ServerKind, port: number, within: number): Promise<string> {
  return poll(`${kind} answers`, () => askVersion(kind, port), within)
}
